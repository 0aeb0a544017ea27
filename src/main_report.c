/* SPDX-License-Identifier: MIT */
/* What the mount reports of itself: /README and the files of /.pinefs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "main.h"
#include "pinefs/http.h"
#include "pinefs/log.h"
#include "pinefs/text.h"
#include "pinefs/watch.h"

const char report_readme[] =
	"This is pinefs: the Pinecone control plane as files. All of it is read-only.\n"
	"\n"
	"backups/ID/             a directory for each backup\n"
	"    status              Initializing, Ready or InitializationFailed\n"
	"    source_index_name, created_at, record_count, size_bytes, tags, ...\n"
	"restore-jobs/ID/        a directory for each restore of a backup into a new index\n"
	"    status              Pending, Completed, Failed or Cancelled\n"
	"    percent_complete    100 once completed; empty while the API doesn't say\n"
	"    backup_id, target_index_name, created_at, completed_at, ...\n"
	"indexes/NAME/           a directory for each index\n"
	"    ready               true or false: whether it answers; status: its state\n"
	"    host, dimension, metric, cloud, region, tags, ...\n"
	"collections/NAME/       a directory for each collection, the backup of an index with pods\n"
	"tables/KIND.tsv, .jsonl all objects of a kind in one text, a line each\n"
	"and in each of the directories of objects\n"
	"    raw.json            the object exactly as the API sent it\n"
	"    done                there once it has ended, and holds its status; not of an index\n"
	"    wait                not listed; reading it lasts until it has ended, or is ready\n"
	"    success             likewise, and reading it fails unless the end is a good one\n"
	"    events              what was seen of it, a line a change; /events: of all\n"
	"\n"
	"    $ cat restore-jobs/ID/status\n"
	"    $ cat restore-jobs/ID/wait              # waits for the end, then says the status\n"
	"    $ cat restore-jobs/ID/success && next   # goes on only after a good end\n"
	"    $ tail -f restore-jobs/ID/events\n"
	"    $ inotifywait restore-jobs/ID/status    # real events, for jobs that can still change\n"
	"    $ grep -l Pending restore-jobs/*/status\n"
	"    $ cat restore-jobs/ID/backup/created_at # links: to its backup, and to its index\n"
	"    $ cat indexes/NAME/success && ./use-it  # an index may get ready some time after its job\n"
	"    $ getfattr -d restore-jobs/ID/status    # how old, from where, what failed\n"
	"\n"
	"An object is asked for when it is read, and its answer kept for a few seconds; reading it\n"
	"again meanwhile costs nothing. If the API fails, the last answer is given for a while,\n"
	"and user.pinefs.stale says 1; then reading fails. A file is empty only where the API\n"
	"has no value. While somebody waits for an object or watches it, pinefs asks by itself.\n"
	"A kind that the API key may not see says \"Permission denied\"; .pinefs/config has\n"
	"the kinds that this mount shows.\n"
	"\n"
	"If something fails: .pinefs/errors says what, how often, since when, and when the API\n"
	"may be asked again.\n"
	"\n"
	".pinefs/stats, inflight, errors, watchers, config, version    the mount about itself\n"
	"\n"
	"See pinefs(1).\n";

static void render_stats(void *arg, struct pfs_buffer *buffer)
{
	struct program *program = arg;

	program->stats.log_lines_dropped = pfs_log_dropped();
	pfs_stats_render(&program->stats, buffer);
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

/* The options as -o would take them, but for the commas between kinds, which would need a
 * backslash; and for the key and the additional headers, which are secrets. */
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
	add_flag(buffer, "no_check", options->no_check);
	add_flag(buffer, "demo", options->demo);
	add_flag(buffer, "foreground", options->foreground);
	add_flag(buffer, "debug", options->debug);
	(void)pfs_buffer_format(buffer, "uid=%u\ngid=%u\numask=%03o\n", options->uid, options->gid,
				options->umask);
	add_setting(buffer, "fuse", options->fuse);
}

void report_set_up(struct program *program)
{
	const struct pfs_report reports[] = {
		{"stats", render_stats, program, false},
		{"inflight", render_inflight, program, true},
		{"errors", render_errors, program, false},
		{"config", render_config, program, false},
		{"watchers", render_watchers, program, false},
		{"version", render_version, program, false},
	};

	memcpy(program->reports, reports, sizeof(reports));
	program->report_count = sizeof(reports) / sizeof(reports[0]);
}
