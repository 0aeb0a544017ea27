/* SPDX-License-Identifier: MIT */
/* What the mount reports of itself: /README and the files of /.pinefs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "main.h"
#include "pinefs/http.h"
#include "pinefs/log.h"
#include "pinefs/metrics.h"
#include "pinefs/text.h"
#include "pinefs/watch.h"

const char report_readme[] =
	"This is pinefs: the Pinecone control plane as files. All of it is read-only, but for restores/.\n"
	"Pinecone keeps vectors in indexes. A backup of an index can be restored to a new index, by\n"
	"a restore job, which is started through the API, or in restores/, and can be followed here.\n"
	"\n"
	"backups/ID/             a directory for each backup\n"
	"    status              Initializing, then Ready or InitializationFailed\n"
	"    source_index_name   and backup_id, created_at, record_count, size_bytes, tags, ...\n"
	"    index               a link to the index that it was made of\n"
	"    restores/           only if mounted with --allow-restore: mkdir NAME in it restores the backup\n"
	"                        to an index NAME, and NAME/restore_job_id is its job\n"
	"restore-jobs/ID/        a directory for each restore job\n"
	"    status              Pending, then Completed, Failed or Cancelled\n"
	"    target_index_name   and backup_id, created_at, completed_at, percent_complete, ...\n"
	"    backup, index       links to its backup, and to the index that it restores to\n"
	"indexes/NAME/           a directory for each index\n"
	"    ready               true or false: whether it answers; status: its state\n"
	"    host                where, and dimension, metric, cloud, region, tags, ...\n"
	"collections/NAME/       a directory for each collection, the backup of an index with pods\n"
	"\n"
	"In each of these directories a file is a field: the value as the API sent it, and a newline.\n"
	"An empty file is a field without a value. Besides there are\n"
	"    raw.json            the object exactly as the API sent it\n"
	"    events              what was seen of it, a line a change: time, field, old, new; tabs between\n"
	"    done                there once it has ended, and holds its status; not of an index\n"
	"    wait                not listed; reading it lasts until it has ended (an index: is ready or failed)\n"
	"    success             not listed; the same, and reading it fails unless the end is a good one\n"
	"A link may lead to nothing, if that was deleted or this mount doesn't show its kind. A new object\n"
	"may be missing from a listing for a minute: by its name it is there.\n"
	"\n"
	"events                  the events of all objects, with the path after the time; reading it, and\n"
	"                        ls -l of the root, asks for the list of every kind\n"
	"tables/KIND.tsv         all objects of a kind, one a line, below a header; tabs between\n"
	"tables/KIND.jsonl       the same, each as the JSON that the API sent\n"
	".pinefs/                not listed by ls without -a: errors, health, stats, metrics, config, ...\n"
	"\n"
	"From here, with a job's id in $id:\n"
	"\n"
	"    $ cat restore-jobs/$id/status\n"
	"    $ cat restore-jobs/$id/success && echo restored    # waits; goes on only after a good end\n"
	"    $ cat restore-jobs/$id/index/success               # its index gets ready later than the job\n"
	"    $ tail -f restore-jobs/$id/events                  # inotify and poll work, too\n"
	"    $ grep -l Pending restore-jobs/*/status\n"
	"    $ jq -r 'select(.status == \"Ready\").backup_id' tables/backups.jsonl\n"
	"    $ getfattr -d restore-jobs/$id/status              # how old, from where, what failed\n"
	"\n"
	"Asked for is what is read, when it is read. An answer is kept for a few seconds, longer once the\n"
	"object has ended; reading it again meanwhile costs nothing. While somebody waits for an object\n"
	"or watches it, pinefs asks by itself. If the API fails, the last answer is given for a while,\n"
	"and the attribute user.pinefs.stale says 1; then reading fails. Nothing is ever invented.\n"
	"\n"
	"No such file            there is none, says the API\n"
	"Permission denied       the key is rejected, or may not see this kind\n"
	"Remote I/O error        of success: it ended badly (Operation canceled: it was cancelled)\n"
	"Read-only file system   all of it is, but for mkdir in restores/; nothing is ever deleted\n"
	"any other               .pinefs/errors says what, since when, and when the API is asked again\n"
	"\n"
	".pinefs/config has the options, and the kinds that this mount shows. See pinefs(1).\n";

static void render_stats(void *arg, struct pfs_buffer *buffer)
{
	struct program *program = arg;

	program->stats.log_lines_dropped = pfs_log_dropped();
	pfs_stats_render(&program->stats, buffer);
}

static void render_metrics(void *arg, struct pfs_buffer *buffer)
{
	struct program *program = arg;
	const struct pfs_metrics metrics = {
		.stats = &program->stats,
		.store = program->store,
		.mount = program->mountpoint,
		.version = PFS_VERSION,
		.started = program->started,
	};

	program->stats.log_lines_dropped = pfs_log_dropped();
	pfs_metrics_render(&metrics, buffer);
}

/* One line: "ok", or why the API doesn't answer well, and since when. */
static void render_health(void *arg, struct pfs_buffer *buffer)
{
	const struct program *program = arg;
	const struct pfs_stats *stats = &program->stats;
	char time[PFS_TIME_SIZE];

	if (*stats->failing) {
		(void)pfs_buffer_add_escaped(buffer, stats->failing, strlen(stats->failing));
		(void)pfs_buffer_format(buffer, "; since %s\n",
					pfs_time_format(stats->failing_since, time, sizeof(time)));
	} else {
		(void)pfs_buffer_add_string(buffer, "ok\n");
	}
}

static void render_errors(void *arg, struct pfs_buffer *buffer)
{
	const struct program *program = arg;

	pfs_stats_render_failures(&program->stats, buffer);
}

static void add_request(void *arg, const struct pfs_http_progress *progress)
{
	(void)pfs_buffer_format(arg, "%.3f\t%.3f\t%u\t%s\t%s\n",
				(double)progress->age / (double)PFS_SECOND,
				(double)progress->left / (double)PFS_SECOND, progress->attempts,
				progress->state, progress->label);
}

/* A line for each request: age and time left in seconds, attempts, state, path; the oldest first.
 */
static void render_inflight(void *arg, struct pfs_buffer *buffer)
{
	const struct program *program = arg;

	pfs_http_each(program->http, add_request, buffer);
}

static void render_watchers(void *arg, struct pfs_buffer *buffer)
{
	const struct program *program = arg;

	pfs_watch_render(program->watch, buffer);
}

static void render_version(void *arg, struct pfs_buffer *buffer)
{
	(void)pfs_buffer_add_string(buffer, "pinefs " PFS_VERSION "\n");
}

static void add_setting(struct pfs_buffer *buffer, const char *name, const char *value)
{
	(void)pfs_buffer_format(buffer, "%s=", name);
	if (value)
		(void)pfs_buffer_add_escaped(buffer, value, strlen(value));
	(void)pfs_buffer_add_string(buffer, "\n");
}

/* Append a decimal exactly, without an exponent, which no option takes, nor zeros at the end. */
static void add_decimal(struct pfs_buffer *buffer, const char *name, int64_t billionths)
{
	char fraction[16];
	size_t length;

	(void)snprintf(fraction, sizeof(fraction), ".%09d", (int)(billionths % PFS_SECOND));
	length = strlen(fraction);
	while (length > 1 && fraction[length - 1] == '0')
		length--;
	(void)pfs_buffer_format(buffer, "%s=%" PRId64 "%.*s\n", name, billionths / PFS_SECOND,
				length > 1 ? (int)length : 0, fraction);
}

static void add_flag(struct pfs_buffer *buffer, const char *name, bool set)
{
	(void)pfs_buffer_format(buffer, "%s=%d\n", name, set);
}

static void add_kinds(struct pfs_buffer *buffer, const struct pfs_kinds *kinds)
{
	for (size_t i = 0; i < kinds->count; i++)
		(void)pfs_buffer_format(buffer, "%s%s", i ? "," : "kinds=", kinds->rows[i]->name);
	(void)pfs_buffer_add_string(buffer, "\n");
}

/* They are not options, so each has a name that no option has. */
static void add_bounds(struct pfs_buffer *buffer)
{
	const struct {
		const char *name;
		uint64_t value;
	} bounds[] = {
		{"objects", MAX_OBJECTS},
		{"object_bytes", MAX_OBJECT_BYTES},
		{"history_bytes", MAX_HISTORY_BYTES},
		{"table_bytes", MAX_TABLES_HELD},
	};

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		(void)pfs_buffer_format(buffer, "bound_%s=%" PRIu64 "\n", bounds[i].name,
					bounds[i].value);
}

/* The options as -o would take them, but for the commas between kinds, which would need a
 * backslash; and for the key and the additional headers, which are secrets. Then the bounds. */
static void render_config(void *arg, struct pfs_buffer *buffer)
{
	const struct program *program = arg;
	const struct pfs_options *options = &program->options;

	add_setting(buffer, "mountpoint", program->mountpoint);
	add_setting(buffer, "source", options->source);
	add_setting(buffer, "api_url", options->api_url);
	add_setting(buffer, "api_version", options->api_version);
	add_setting(buffer, "api_key_file", program->key.file);
	add_setting(buffer, "additional_headers", options->additional_headers ? "set" : "");
	add_setting(buffer, "cacert", options->cacert);
	add_kinds(buffer, &options->kinds);
	add_decimal(buffer, "ttl", options->ttl);
	add_decimal(buffer, "ttl_ready", options->ttl_ready);
	add_decimal(buffer, "ttl_final", options->ttl_final);
	add_decimal(buffer, "ttl_missing", options->ttl_missing);
	add_decimal(buffer, "stale", options->stale);
	add_decimal(buffer, "timeout", options->timeout);
	add_decimal(buffer, "max_rate", (int64_t)(options->max_rate * (double)PFS_SECOND + 0.5));
	add_flag(buffer, "allow_restore", options->allow_restore);
	add_flag(buffer, "no_check", options->no_check);
	add_flag(buffer, "demo", options->demo);
	add_flag(buffer, "foreground", options->foreground);
	add_flag(buffer, "debug", options->debug);
	(void)pfs_buffer_format(buffer, "uid=%u\ngid=%u\numask=%03o\n", options->uid, options->gid,
				options->umask);
	add_setting(buffer, "fuse", options->fuse);
	add_bounds(buffer);
}

void report_set_up(struct program *program)
{
	const struct pfs_report reports[] = {
		{"stats", render_stats, program, false},
		{"metrics", render_metrics, program, true},
		{"health", render_health, program, false},
		{"inflight", render_inflight, program, true},
		{"errors", render_errors, program, false},
		{"config", render_config, program, false},
		{"watchers", render_watchers, program, false},
		{"version", render_version, program, false},
	};

	memcpy(program->reports, reports, sizeof(reports));
	program->report_count = sizeof(reports) / sizeof(reports[0]);
}
