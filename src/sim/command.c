/* SPDX-License-Identifier: MIT */
/*
 * A command is checked in this order: the object that the path names (404), the
 * body's syntax (400) and the types of its keys (422), the state of things (412,
 * 403), the new name (400, 409), the quota (403).
 */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A key of a body, which the object that is made shows. */
struct sim_command_key {
	const char *name;
	bool (*is_good)(const cJSON *item);
	bool is_needed;
};

static int fail(const struct sim_order *order, unsigned int status, const char *code,
		const char *before, const char *what, const char *after)
{
	struct sim_text message = {0};
	char *str;
	int r;

	sim_text_str(&message, before);
	sim_text_str(&message, what);
	sim_text_str(&message, after);
	str = sim_text_take(&message);
	r = str ? sim_reply_error(order->reply, status, code, str) : -ENOMEM;
	free(str);
	return r;
}

static bool is_string(const cJSON *item)
{
	return cJSON_IsString(item);
}

static bool is_tags(const cJSON *item)
{
	const cJSON *tag;

	if (!cJSON_IsObject(item))
		return false;
	cJSON_ArrayForEach(tag, item) {
		if (!cJSON_IsString(tag))
			return false;
	}
	return true;
}

static bool is_protection(const cJSON *item)
{
	const char *value = cJSON_GetStringValue(item);

	return value && (strcmp(value, "enabled") == 0 || strcmp(value, "disabled") == 0);
}

static const struct sim_command_key index_keys[] = {
	{"name", is_string, true},
	{"tags", is_tags, false},
	{"deletion_protection", is_protection, false},
	{NULL, NULL, false},
};

static const struct sim_command_key backup_keys[] = {
	{"name", is_string, false},
	{"description", is_string, false},
	{NULL, NULL, false},
};

/* The first key that is missing, as a null is too, or has the wrong type; NULL: all are good. */
static const struct sim_command_key *find_bad(const struct sim_command_key *keys, const cJSON *body)
{
	for (; keys->name; keys++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, keys->name);
		bool is_given = item && !cJSON_IsNull(item);

		if (is_given ? !keys->is_good(item) : keys->is_needed)
			return keys;
	}
	return NULL;
}

/* An object of the known keys, to be freed; NULL: no memory. */
static cJSON *take_keys(const struct sim_command_key *keys, const cJSON *body)
{
	cJSON *taken = cJSON_CreateObject();

	for (; taken && keys->name; keys++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, keys->name);
		cJSON *copy;

		if (!item || cJSON_IsNull(item))
			continue;
		copy = cJSON_Duplicate(item, true);
		if (!cJSON_AddItemToObject(taken, keys->name, copy)) {
			cJSON_Delete(copy);
			cJSON_Delete(taken);
			return NULL;
		}
	}
	return taken;
}

/* 1 to 45 of a-z, 0-9 and hyphen, which is neither first nor last. */
static bool is_index_name(const char *name)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t n = strlen(name);

	return n > 0 && n < SIM_NAME_SIZE && strspn(name, alphabet) == n && name[0] != '-' &&
	       name[n - 1] != '-';
}

static int fail_quota(const struct sim_order *order, unsigned int kind)
{
	return fail(order, 403, "FORBIDDEN", "Increase your quota or upgrade to create more ",
		    sim_kinds[kind]->name, ".");
}

/* What keeps an index of this name from being made; > 0: nothing does. */
static int check_name(const struct sim_order *order, const char *name)
{
	if (!is_index_name(name))
		return sim_reply_error(order->reply, 400, NULL,
				       "Index name must be 1 to 45 lowercase alphanumeric "
				       "characters or hyphens, and must not begin or end with a "
				       "hyphen.");
	if (sim_shelf_find(&order->world->shelves[SIM_INDEXES], name) >= 0)
		return sim_reply_error(order->reply, 409, NULL, "Resource already exists.");
	if (!sim_world_has_room(order->world, SIM_INDEXES))
		return fail_quota(order, SIM_INDEXES);
	if (!sim_world_has_room(order->world, SIM_JOBS))
		return fail_quota(order, SIM_JOBS);
	return 1;
}

static int answer_restore(const struct sim_order *order, uint32_t job, uint32_t index)
{
	const struct sim_world *world = order->world;
	struct sim_text *text = &order->reply->body;

	sim_text_str(text, "{\"restore_job_id\":");
	sim_text_quoted(text, world->shelves[SIM_JOBS].own[job]->id);
	sim_text_str(text, ",\"index_id\":");
	sim_text_quoted(text, world->shelves[SIM_INDEXES].own[index]->facts.index_id);
	sim_text_char(text, '}');
	return sim_reply_start(order->reply, 202, "application/json");
}

static int create_index(const struct sim_order *order, uint32_t slot, const cJSON *body)
{
	const struct sim_shelf *backups = &order->world->shelves[SIM_BACKUPS];
	struct sim_scratch scratch;
	uint32_t job, index;
	cJSON *keys;
	int r;

	if (!sim_object_is_good(sim_shelf_read(backups, slot, &scratch), order->now_us))
		return fail(order, 412, NULL, "Backup ", order->id, " is not completed");
	r = check_name(order, cJSON_GetObjectItemCaseSensitive(body, "name")->valuestring);
	if (r <= 0)
		return r;
	keys = take_keys(index_keys, body);
	if (!keys)
		return -ENOMEM;
	r = sim_world_restore(order->world, slot, keys, order->now_us, &job, &index);
	cJSON_Delete(keys);
	if (r == -ENOSPC)
		return fail_quota(order, SIM_INDEXES);
	return r < 0 ? r : answer_restore(order, job, index);
}

static int answer_backup(const struct sim_order *order, uint32_t slot)
{
	struct sim_view view =
		sim_world_view(order->world, order->now_us, SIM_COMPACT, order->version);

	sim_object_render(order->world->shelves[SIM_BACKUPS].own[slot], &view, &order->reply->body);
	return sim_reply_start(order->reply, order->version == SIM_2026_07 ? 200 : 201,
			       "application/json");
}

static int create_backup(const struct sim_order *order, uint32_t slot, const cJSON *body)
{
	const struct sim_shelf *indexes = &order->world->shelves[SIM_INDEXES];
	struct sim_scratch scratch;
	uint32_t backup;
	cJSON *keys;
	int r;

	if (!sim_object_is_good(sim_shelf_read(indexes, slot, &scratch), order->now_us))
		return fail(order, 412, NULL, "Index ", order->id, " is not ready");
	if (!sim_world_has_room(order->world, SIM_BACKUPS))
		return fail_quota(order, SIM_BACKUPS);
	keys = take_keys(backup_keys, body);
	if (!keys)
		return -ENOMEM;
	r = sim_world_back_up(order->world, slot, keys, order->now_us, &backup);
	cJSON_Delete(keys);
	if (r == -ENOSPC)
		return fail_quota(order, SIM_BACKUPS);
	return r < 0 ? r : answer_backup(order, backup);
}

static int answer_accepted(const struct sim_order *order)
{
	order->reply->status = 202;
	return 0;
}

static int delete_backup(const struct sim_order *order, uint32_t slot, const cJSON *body)
{
	int64_t job = sim_world_find_restore(order->world, order->id, order->now_us);
	struct sim_scratch scratch;

	if (job >= 0)
		return fail(
			order, 412, NULL,
			"Unable to delete backup. There are pending restore jobs for this "
			"backup: ['",
			sim_shelf_read(&order->world->shelves[SIM_JOBS], (uint32_t)job, &scratch)
				->id,
			"']");
	sim_shelf_remove(&order->world->shelves[SIM_BACKUPS], slot);
	return answer_accepted(order);
}

static int delete_index(const struct sim_order *order, uint32_t slot, const cJSON *body)
{
	const struct sim_shelf *indexes = &order->world->shelves[SIM_INDEXES];
	struct sim_scratch scratch;
	int r;

	if (sim_index_is_protected(sim_shelf_read(indexes, slot, &scratch)))
		return sim_reply_error(order->reply, 403, "FORBIDDEN",
				       "Deletion protection is enabled for this index. Disable "
				       "deletion protection before retrying.");
	r = sim_world_terminate(order->world, slot, order->now_us);
	return r < 0 ? r : answer_accepted(order);
}

const struct sim_command sim_commands[SIM_COMMANDS] = {
	[SIM_CREATE_INDEX] = {"create_index", "POST", SIM_BACKUPS, "/create-index", index_keys,
			      create_index},
	[SIM_CREATE_BACKUP] = {"create_backup", "POST", SIM_INDEXES, "/backups", backup_keys,
			       create_backup},
	[SIM_DELETE_BACKUP] = {"delete_backup", "DELETE", SIM_BACKUPS, "", NULL, delete_backup},
	[SIM_DELETE_INDEX] = {"delete_index", "DELETE", SIM_INDEXES, "", NULL, delete_index},
};

int sim_command_find(const char *method, unsigned int kind, const char *rest)
{
	for (int i = 0; i < SIM_COMMANDS; i++) {
		const struct sim_command *command = &sim_commands[i];
		size_t n = strlen(command->suffix);

		if (command->kind == kind && strcmp(command->method, method) == 0 &&
		    strlen(rest) > n && strcmp(rest + strlen(rest) - n, command->suffix) == 0)
			return i;
	}
	return -ENOENT;
}

static int run(const struct sim_command *command, const struct sim_order *order, uint32_t slot)
{
	cJSON *body =
		cJSON_ParseWithLength(order->body->len ? order->body->data : "", order->body->len);
	const struct sim_command_key *bad = find_bad(command->keys, body);
	int r;

	if (!body)
		r = sim_reply_error(order->reply, 400, NULL,
				    "Failed to parse the request body as JSON");
	else if (!cJSON_IsObject(body))
		r = sim_reply_error(order->reply, 422, NULL,
				    "Failed to deserialize the JSON body into the target type: it "
				    "is not an object");
	else if (bad)
		r = fail(order, 422, NULL,
			 "Failed to deserialize the JSON body into the target type: field `",
			 bad->name, "` is missing or has the wrong type");
	else
		r = command->run(order, slot, body);
	cJSON_Delete(body);
	return r;
}

int sim_command_answer(const struct sim_command *command, const struct sim_order *order)
{
	int64_t slot = sim_shelf_find(&order->world->shelves[command->kind], order->id);

	if (order->body->len > SIM_COMMAND_BODY_MAX)
		return sim_reply_error(order->reply, 413, NULL, "The body is too long");
	if (slot < 0)
		return sim_reply_missing(order->reply, sim_kinds[command->kind]->noun, order->id);
	if (!command->keys)
		return command->run(order, (uint32_t)slot, NULL);
	return run(command, order, (uint32_t)slot);
}
