/* SPDX-License-Identifier: MIT */
/*
 * An object is in one of these states, which its fields tell apart:
 *
 *	unknown   content NULL, failure NULL: just made; its first request is under way
 *	announced content NULL, slot > 0: the answer to a command said that it exists; it hasn't
 *	          been described yet, and is in no listing
 *	missing   content NULL, failure set, mostly slot 0: the first request for it failed, mostly
 *	          with a 404; in store->missing, from which the oldest is evicted
 *	known     content set, slot > 0: in the listing
 *	gone      vanished from the API: in no index; freed with the kernel's last reference
 *
 * A known object that the last complete walk left out isn't freed with the kernel's last reference:
 * the API's list leaves out jobs that exist, and a job that somebody looked up should stay in `ls`.
 * It goes to store->idle, from which the oldest is evicted when there are more than max_idle.
 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/json.h"
#include "pinefs/stats.h"
#include "pinefs/text.h"

struct collection *pfs_store_collection(const struct pfs_store *store, const struct pfs_kind *kind)
{
	return &store->collections[kind->number];
}

/* --- contents ------------------------------------------------------------------------------ */

struct pfs_content *pfs_content_keep(struct pfs_content *content)
{
	content->references++;
	return content;
}

static size_t content_size(const struct pfs_json *json)
{
	return sizeof(struct pfs_content) + pfs_json_size(json);
}

void pfs_content_drop(struct pfs_content *content)
{
	if (!content || --content->references)
		return;
	*content->held -= content_size(&content->json);
	free(content);
}

struct pfs_origin *pfs_origin_create(struct pfs_store *store, const struct pfs_api_answer *answer,
				     bool listed)
{
	size_t size = strlen(answer->request_id) + 1;
	struct pfs_origin *origin = malloc(sizeof(*origin) + size);

	if (!origin)
		return NULL;
	origin->references = 1;
	origin->listed = listed;
	origin->status = answer->status;
	origin->sent_at = answer->sent_at;
	origin->received_at = pfs_loop_wall(store->loop);
	memcpy(origin->request_id, answer->request_id, size);
	return origin;
}

void pfs_origin_drop(struct pfs_origin *origin)
{
	if (origin && --origin->references == 0)
		free(origin);
}

/*
 * The end of the year 2199, in ns. A time behind it is nonsense, and there must be room above,
 * since each later content gets a later time.
 */
#define LATEST (INT64_C(7258118400) * PFS_SECOND)

bool pfs_content_time(const struct pfs_kind *kind, const struct pfs_content *content,
		      const char *field, int64_t *ret_time)
{
	const struct pfs_json_value value = pfs_kind_value(kind, field, &content->json);
	char text[128];

	if (value.type != PFS_JSON_STRING || value.length >= sizeof(text) ||
	    memchr(value.text, '\0', value.length))
		return false;
	memcpy(text, value.text, value.length);
	text[value.length] = '\0';
	return !pfs_time_parse(text, ret_time) && *ret_time < LATEST;
}

/*
 * The object's own times count for its first content only. A later content gets the present time,
 * since the object may have ended long before we asked, and `find -newer` must find what is new to
 * this mount. Both times move with each content, so that the kernel drops its pages.
 */
static void set_times(struct pfs_store *store, const struct pfs_object *object,
		      struct pfs_content *content)
{
	const struct pfs_content *before = object->content;

	if (before) {
		content->modified = pfs_loop_wall_after(store->loop, before->modified);
		content->changed = pfs_loop_wall_after(store->loop, before->changed);
		return;
	}
	content->changed = object->first_seen;
	if (!pfs_content_time(object->kind, content, object->kind->finished, &content->modified) &&
	    !pfs_content_time(object->kind, content, object->kind->created, &content->modified))
		content->modified = object->first_seen;
}

/* 0; -EFBIG: there is no room for another content of this size; -ENOMEM. */
static int make_content(struct pfs_store *store, const struct pfs_object *object,
			const struct pfs_json *json, struct pfs_content **ret_content)
{
	uint64_t *held = &store->stats->object_bytes;
	size_t size = content_size(json);
	struct pfs_content *content;

	if (size > store->config.max_bytes || *held > store->config.max_bytes - size)
		return -EFBIG;
	content = malloc(size);
	if (!content)
		return -ENOMEM;
	content->references = 1;
	content->held = held;
	*held += size;
	pfs_json_copy(json, content->memory, &content->json);
	content->end = pfs_kind_end(object->kind, &content->json);
	content->is_final = content->end && object->kind->is_final;
	set_times(store, object, content);
	*ret_content = content;
	return 0;
}

const char *pfs_store_refusal(int error)
{
	switch (error) {
	case -EFBIG:
		return "all objects together would take too much memory (bound_object_bytes in "
		       ".pinefs/config)";
	case -ENOSPC:
		return "there are too many objects (bound_objects in .pinefs/config)";
	default:
		return "the answer could not be kept";
	}
}

/* --- how long it is valid ------------------------------------------------------------------ */

int64_t pfs_store_ttl(const struct pfs_store *store, const struct pfs_object *object)
{
	const struct pfs_store_config *config = &store->config;

	if (object->content->is_final)
		return config->ttl_final;
	if (!object->content->end || (object->followed && config->ttl < config->ttl_ready))
		return config->ttl;
	return config->ttl_ready;
}

/* When content that comes now expires, with this TTL. */
static int64_t expiry(const struct pfs_store *store, int64_t ttl)
{
	return pfs_loop_now(store->loop) + (ttl > SHORTEST_TTL ? ttl : SHORTEST_TTL);
}

void pfs_store_hasten(const struct pfs_store *store, struct pfs_object *object)
{
	int64_t latest = expiry(store, store->config.ttl);

	if (object->content && !object->content->is_final && object->fresh_until > latest)
		object->fresh_until = latest;
}

void pfs_store_follow(struct pfs_store *store, struct pfs_object *object, bool followed)
{
	object->followed = followed;
	if (followed)
		pfs_store_hasten(store, object);
}

int64_t pfs_store_left(const struct pfs_store *store, const struct pfs_object *object)
{
	int64_t left = object->fresh_until - pfs_loop_now(store->loop);

	return left > 0 && object->content && !object->gone ? left : 0;
}

bool pfs_store_is_stale(const struct pfs_store *store, const struct pfs_object *object)
{
	return object->content && object->failure && !pfs_store_left(store, object);
}

/* --- the index ----------------------------------------------------------------------------- */

struct pfs_object *pfs_store_find(struct pfs_store *store, const struct pfs_kind *kind,
				  const char *id)
{
	struct pfs_object *object = pfs_index_find(&pfs_store_collection(store, kind)->index, id);

	return object && object->content ? object : NULL;
}

int64_t pfs_store_missing_left(struct pfs_store *store, const struct pfs_kind *kind, const char *id)
{
	const struct pfs_object *object =
		pfs_index_find(&pfs_store_collection(store, kind)->index, id);
	int64_t left;

	if (!object || object->content || !object->failure || object->failure->error != -ENOENT)
		return 0;
	left = object->failure->until - pfs_loop_now(store->loop);
	return left > 0 ? left : 0;
}

struct pfs_object *pfs_store_by_slot(struct pfs_store *store, const struct pfs_kind *kind,
				     uint64_t slot)
{
	return pfs_slots_get(&pfs_store_collection(store, kind)->slots, slot);
}

struct pfs_object *pfs_store_intern(struct pfs_store *store, const struct pfs_kind *kind,
				    const char *id)
{
	struct object_index *index = &pfs_store_collection(store, kind)->index;
	struct pfs_object *object = pfs_index_find(index, id);
	size_t size = strlen(id) + 1;

	if (object)
		return object;
	object = calloc(1, sizeof(*object) + size);
	if (!object)
		return NULL;
	object->kind = kind;
	object->fresh_until = FORGOTTEN;
	memcpy(object->id, id, size);
	if (pfs_index_add(index, object)) {
		free(object);
		return NULL;
	}
	return object;
}

int pfs_store_assign_slot(struct pfs_store *store, struct pfs_object *object)
{
	if (store->known >= store->config.max_objects)
		return -ENOSPC;
	if (pfs_slots_add(&pfs_store_collection(store, object->kind)->slots, object))
		return -ENOMEM;
	store->known++;
	store->stats->objects++;
	return 0;
}

/* --- what may be evicted ------------------------------------------------------------------- */

static void leave_idle(struct pfs_store *store, struct pfs_object *object)
{
	if (!object->idle)
		return;
	TAILQ_REMOVE(object->idle, object, idle_link);
	if (object->idle == &store->missing) {
		store->missing_count--;
		store->stats->missing--;
	} else {
		store->idle_count--;
	}
	object->idle = NULL;
}

static void enter_idle(struct pfs_store *store, struct pfs_object *object,
		       struct pfs_object_list *list)
{
	object->idle = list;
	TAILQ_INSERT_TAIL(list, object, idle_link);
	if (list == &store->missing) {
		store->stats->missing++;
		if (++store->missing_count > store->config.max_missing)
			pfs_store_free_object(store, TAILQ_FIRST(list));
	} else if (++store->idle_count > store->config.max_idle) {
		pfs_store_free_object(store, TAILQ_FIRST(list));
	}
}

void pfs_store_settle(struct pfs_store *store, struct pfs_object *object)
{
	struct collection *collection = pfs_store_collection(store, object->kind);

	leave_idle(store, object);
	if (object->flight || object->references)
		return;
	if (object->gone || (!object->content && !object->failure))
		pfs_store_free_object(store, object);
	else if (!object->content)
		enter_idle(store, object, &store->missing);
	else if (!object->walk || object->walk < collection->complete_walk)
		enter_idle(store, object, &store->idle);
}

void pfs_store_free_object(struct pfs_store *store, struct pfs_object *object)
{
	struct collection *collection = pfs_store_collection(store, object->kind);

	leave_idle(store, object);
	for (size_t i = 0; i < store->listener_count; i++) {
		if (store->listeners[i].freed)
			store->listeners[i].freed(store->listeners[i].arg, object);
	}
	if (!object->gone)
		pfs_index_remove(&collection->index, object);
	if (object->slot) {
		pfs_slots_remove(&collection->slots, object);
		store->known--;
		store->stats->objects--;
	}
	pfs_content_drop(object->content);
	pfs_origin_drop(object->origin);
	pfs_failure_free(object->failure);
	free(object);
}

void pfs_store_hold(struct pfs_store *store, struct pfs_object *object, uint64_t count)
{
	object->references += count;
	leave_idle(store, object);
}

void pfs_store_release(struct pfs_store *store, struct pfs_object *object, uint64_t count)
{
	object->references -= count < object->references ? count : object->references;
	if (!object->references)
		pfs_store_settle(store, object);
}

/* --- news ---------------------------------------------------------------------------------- */

static void notify_listeners(struct pfs_store *store, struct pfs_object *object,
			     struct pfs_content *before)
{
	for (size_t i = 0; i < store->listener_count; i++) {
		const struct pfs_store_listener *listener = &store->listeners[i];

		if (before && listener->changed)
			listener->changed(listener->arg, object, before);
		else if (!before && listener->appeared)
			listener->appeared(listener->arg, object);
	}
}

/* Give the object new content. The one before, if there was one, stays the caller's to drop. */
static int replace_content(struct pfs_store *store, struct pfs_object *object,
			   const struct pfs_json *json)
{
	struct collection *collection = pfs_store_collection(store, object->kind);
	struct pfs_content *before = object->content, *content;
	int error;

	if (!before && !object->slot) /* else it was seen when it was announced */
		object->first_seen = pfs_loop_wall(store->loop);
	error = make_content(store, object, json, &content);
	if (error)
		return error;
	error = object->slot ? 0 : pfs_store_assign_slot(store, object);
	if (error) {
		pfs_content_drop(content);
		return error;
	}
	object->content = content;
	if (before)
		store->stats->changes++;
	else if (collection->complete_walk)
		collection->modified = pfs_loop_wall_after(store->loop, collection->modified);
	return 0;
}

/* The API has sent the object's content, new or unchanged: it is valid for another TTL. */
static void renew(struct pfs_store *store, struct pfs_object *object, struct pfs_origin *origin)
{
	origin->references++;
	pfs_origin_drop(object->origin);
	object->origin = origin;
	pfs_failure_free(object->failure);
	object->failure = NULL;
	leave_idle(store, object);
	object->fresh_until = expiry(store, pfs_store_ttl(store, object));
}

int pfs_store_feed(struct pfs_store *store, struct pfs_object *object, const struct pfs_json *json,
		   struct pfs_origin *origin)
{
	struct pfs_content *before = object->content;
	int error;

	if (object->origin && origin->sent_at < object->origin->sent_at)
		return 0;
	if (before && pfs_json_same(&before->json, json)) {
		renew(store, object, origin);
		return 0;
	}
	error = replace_content(store, object, json);
	if (error)
		return error;
	renew(store, object, origin);
	/* Last: listeners read the object, and pass on how long it is valid. */
	notify_listeners(store, object, before);
	pfs_content_drop(before);
	return 0;
}

void pfs_store_vanish(struct pfs_store *store, struct pfs_object *object)
{
	struct collection *collection = pfs_store_collection(store, object->kind);

	leave_idle(store, object);
	pfs_index_remove(&collection->index, object);
	object->gone = true;
	collection->modified = pfs_loop_wall_after(store->loop, collection->modified);
	for (size_t i = 0; i < store->listener_count; i++) {
		if (store->listeners[i].vanished)
			store->listeners[i].vanished(store->listeners[i].arg, object);
	}
}
