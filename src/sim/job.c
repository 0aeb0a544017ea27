/* SPDX-License-Identifier: MIT */
/* The row of restore jobs. */
#include "seed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *sim_job_backup(const struct sim_object *job)
{
	return sim_object_text(job, "backup_id", job->origin ? job->origin : job->facts.backup_id);
}

const char *sim_job_target(const struct sim_object *job)
{
	return sim_object_text(job, "target_index_name", job->facts.index_name);
}

/* A Failed or Cancelled job has a completed_at, too. */
static bool shows_end(const struct sim_object *job)
{
	return job->facts.habit & 1;
}

/* percent_complete is null, not absent, until the job is Completed. */
static bool shows_no_percent(const struct sim_object *job)
{
	return (job->facts.habit >> 1 & 3) == 0;
}

static bool write_backup(const struct sim_object *job, const struct sim_view *view,
			 struct sim_text *text)
{
	sim_text_quoted(text, sim_job_backup(job));
	return true;
}

static bool write_index_name(const struct sim_object *job, const struct sim_view *view,
			     struct sim_text *text)
{
	sim_text_quoted(text, sim_job_target(job));
	return true;
}

static bool write_created(const struct sim_object *job, const struct sim_view *view,
			  struct sim_text *text)
{
	if (view->now_us - job->facts.created_us < SIM_FRESH_US)
		sim_text_str(text, "null");
	else
		sim_text_time(text, job->facts.created_us);
	return true;
}

static bool write_completed(const struct sim_object *job, const struct sim_view *view,
			    struct sim_text *text)
{
	bool good = sim_object_is_good(job, view->now_us);

	if (good || (sim_object_is_done(job, view->now_us) && shows_end(job)))
		sim_text_time(text, job->facts.done_us);
	else
		sim_text_str(text, "null");
	return true;
}

static bool write_percent(const struct sim_object *job, const struct sim_view *view,
			  struct sim_text *text)
{
	if (sim_object_is_good(job, view->now_us))
		sim_text_str(text, "100");
	else if (shows_no_percent(job))
		sim_text_str(text, "null");
	else
		return false;
	return true;
}

static void invent_id(uint64_t seed, uint64_t number, enum sim_birth birth,
		      char ret_id[SIM_NAME_SIZE])
{
	static const enum sim_salt salts[] = {
		[SIM_SEEDED] = SIM_SALT_JOB,
		[SIM_ADDED] = SIM_SALT_ADDED,
		[SIM_INVENTED] = SIM_SALT_INVENTED,
	};

	sim_dice_uuid(seed, number, salts[birth], ret_id);
}

static void imagine(uint64_t seed, uint64_t number, struct sim_facts *facts)
{
	facts->habit = sim_dice_roll(seed, number, SIM_SALT_HABIT);
	sim_dice_uuid(seed, number, SIM_SALT_BACKUP, facts->backup_id);
	sim_dice_uuid(seed, number, SIM_SALT_INDEX, facts->index_id);
	sim_seed_imagine_name(seed, number, facts->index_name);
}

static void seed_facts(const struct sim_seeding *seeding, uint32_t number, struct sim_facts *facts)
{
	imagine(seeding->seed, number, facts);
	sim_seed_job_life(seeding, number, facts);
	if (seeding->n[SIM_INDEXES] > 0)
		sim_seed_index(seeding, sim_seed_target_of(seeding, number), facts->index_name,
			       facts->index_id, &facts->contents);
	if (seeding->n[SIM_BACKUPS] > 0)
		sim_dice_uuid(seeding->seed, sim_seed_backup_of(seeding, number), SIM_SALT_BACKUP,
			      facts->backup_id);
}

static const struct sim_field fields[] = {
	{"restore_job_id", sim_field_id, 0, SIM_ALWAYS},
	{"backup_id", write_backup, 0, SIM_ALWAYS},
	{"target_index_name", write_index_name, 0, SIM_ALWAYS},
	{"target_index_id", sim_field_index_id, 0, SIM_ALWAYS},
	{"status", sim_field_state, 0, SIM_ALWAYS},
	{"created_at", write_created, 0, SIM_ALWAYS},
	{"completed_at", write_completed, 0, SIM_ALWAYS},
	{"percent_complete", write_percent, 0, SIM_ALWAYS},
};

static const char *const ends[] = {"Completed", "Failed", "Cancelled"};

const struct sim_kind sim_kind_job = {
	.name = "restore-jobs",
	.control = "jobs",
	.noun = "Restore job",
	.id_key = "restore_job_id",
	.list_key = "data",
	.is_paged = true,
	.most = 10000000,
	.fields = fields,
	.n_fields = COUNT(fields),
	.state_key = "status",
	.state_field = "status",
	.begins = "Pending",
	.ends = ends,
	.n_ends = COUNT(ends),
	.invent_id = invent_id,
	.imagine = imagine,
	.seed = seed_facts,
};
