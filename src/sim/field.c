/* SPDX-License-Identifier: MIT */
/* The fields that several rows have. */
#include "kind.h"

bool sim_field_id(const struct sim_object *object, const struct sim_view *view,
		  struct sim_text *text)
{
	sim_text_quoted(text, object->id);
	return true;
}

bool sim_field_state(const struct sim_object *object, const struct sim_view *view,
		     struct sim_text *text)
{
	sim_text_quoted(text, sim_object_state(object, view->now_us));
	return true;
}

bool sim_field_created(const struct sim_object *object, const struct sim_view *view,
		       struct sim_text *text)
{
	sim_text_time(text, object->facts.created_us);
	return true;
}

bool sim_field_index_id(const struct sim_object *object, const struct sim_view *view,
			struct sim_text *text)
{
	sim_text_quoted(text, object->facts.index_id);
	return true;
}

bool sim_field_metric(const struct sim_object *object, const struct sim_view *view,
		      struct sim_text *text)
{
	sim_text_quoted(text, object->facts.contents.metric);
	return true;
}

bool sim_field_dimension(const struct sim_object *object, const struct sim_view *view,
			 struct sim_text *text)
{
	if (object->facts.contents.dimension == 0)
		return false;
	sim_text_number(text, object->facts.contents.dimension);
	return true;
}
