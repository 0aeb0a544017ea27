/* SPDX-License-Identifier: MIT */
/* The values of options: what each kind of argument must look like. */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int pfs_options_refuse(const struct parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pfs_escape_format(parser->text, parser->size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int pfs_options_fail(const struct parser *parser, int error)
{
	pfs_options_refuse(parser, "options: %s", strerror(-error));
	return error;
}

static int refuse_value(const struct parser *parser, const struct option_row *row,
			const char *value, const char *wanted)
{
	return pfs_options_refuse(parser, "--%s: '%s' is not %s", row->name, value, wanted);
}

int pfs_options_replace(const struct parser *parser, char **where, char *value)
{
	if (!value)
		return pfs_options_fail(parser, -ENOMEM);
	free(*where);
	*where = value;
	return 0;
}

int pfs_options_set_flag(struct parser *parser, const struct option_row *row, void *where,
			 const char *value)
{
	*(bool *)where = true;
	return 0;
}

int pfs_options_set_file(struct parser *parser, const struct option_row *row, void *where,
			 const char *value)
{
	char *directory;
	char *path = NULL;

	if (!*value)
		return refuse_value(parser, row, value, "the name of a file");
	if (*value == '/')
		return pfs_options_replace(parser, where, strdup(value));

	directory = getcwd(NULL, 0);
	if (!directory)
		return pfs_options_fail(parser, -errno);
	if (asprintf(&path, "%s/%s", directory, value) < 0)
		path = NULL;
	free(directory);
	return pfs_options_replace(parser, where, path);
}

char *pfs_options_normal_url(const char *value)
{
	const char *host = strstr(value, "://");
	const char *scheme = host ? "" : "https://";
	size_t length = strlen(value);
	char *url = NULL;

	host = host ? host + strlen("://") : value;
	while (length > 0 && value[length - 1] == '/')
		length--;
	if (host >= value + length)
		return NULL;
	return asprintf(&url, "%s%.*s", scheme, (int)length, value) < 0 ? NULL : url;
}

int pfs_options_set_url(struct parser *parser, const struct option_row *row, void *where,
			const char *value)
{
	char *url = pfs_options_normal_url(value);

	if (!url)
		return refuse_value(parser, row, value, "a URL");
	parser->has_url = true;
	return pfs_options_replace(parser, where, url);
}

int pfs_options_set_version(struct parser *parser, const struct option_row *row, void *where,
			    const char *value)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._";

	if (!*value || value[strspn(value, allowed)])
		return refuse_value(parser, row, value, "a version such as 2025-10");
	return pfs_options_replace(parser, where, strdup(value));
}

int pfs_options_set_seconds(struct parser *parser, const struct option_row *row, void *where,
			    const char *value)
{
	if (pfs_seconds_parse(value, where) < 0)
		return refuse_value(parser, row, value, "a number of seconds, 100 years at most");
	return 0;
}

int pfs_options_set_timeout(struct parser *parser, const struct option_row *row, void *where,
			    const char *value)
{
	int64_t ns;

	if (pfs_seconds_parse(value, &ns) < 0 || !ns)
		return refuse_value(parser, row, value,
				    "a number of seconds above 0, 100 years at most");
	*(int64_t *)where = ns;
	return 0;
}

int pfs_options_set_rate(struct parser *parser, const struct option_row *row, void *where,
			 const char *value)
{
	int64_t rate; /* in billionths: a number of requests is written as one of seconds is */

	if (pfs_seconds_parse(value, &rate) < 0 || !rate)
		return refuse_value(parser, row, value, "a number above 0, 3155760000 at most");
	*(double *)where = (double)rate / (double)PFS_SECOND;
	return 0;
}

static int refuse_kind(const struct parser *parser, const struct option_row *row, const char *name)
{
	struct pfs_buffer known = {0};
	int result;

	for (size_t i = 0; i < pfs_all_kinds.count; i++)
		(void)pfs_buffer_format(&known, "%s%s", i ? ", " : "", pfs_all_kinds.rows[i]->name);
	result = known.error ? pfs_options_fail(parser, known.error)
			     : pfs_options_refuse(parser, "--%s: '%s' is none; there are %s",
						  row->name, name, known.bytes);
	pfs_buffer_finish(&known);
	return result;
}

/* Add the kind with this name to those of the mask. */
static int choose_kind(const struct parser *parser, const struct option_row *row, const char *name,
		       unsigned *mask)
{
	for (size_t i = 0; i < pfs_all_kinds.count; i++) {
		if (strcmp(pfs_all_kinds.rows[i]->name, name) == 0) {
			*mask |= 1U << i;
			return 0;
		}
	}
	return refuse_kind(parser, row, name);
}

int pfs_options_set_kinds(struct parser *parser, const struct option_row *row, void *where,
			  const char *value)
{
	struct pfs_kinds *kinds = where;
	char *list = strdup(value), *rest = list, *name;
	unsigned mask = 0;
	int result = list ? 0 : pfs_options_fail(parser, -ENOMEM);

	if (strcmp(value, "all") == 0) {
		mask = ~0U;
		rest = NULL;
	}
	while (!result && (name = strsep(&rest, ",")))
		result = choose_kind(parser, row, name, &mask);
	free(list);
	*kinds = (struct pfs_kinds){0};
	for (size_t i = 0; i < pfs_all_kinds.count; i++) {
		if (mask & 1U << i)
			kinds->rows[kinds->count++] = pfs_all_kinds.rows[i];
	}
	return result;
}

int pfs_options_refuse_key(struct parser *parser, const struct option_row *row, void *where,
			   const char *value)
{
	return pfs_options_refuse(parser, "--api-key: an argument can be seen by all users; "
					  "give the key by --api-key-file or $PINECONE_API_KEY");
}

int pfs_options_set_help(struct parser *parser, const struct option_row *row, void *where,
			 const char *value)
{
	*(enum pfs_action *)where = PFS_ACTION_HELP;
	return 0;
}

int pfs_options_set_version_action(struct parser *parser, const struct option_row *row, void *where,
				   const char *value)
{
	*(enum pfs_action *)where = PFS_ACTION_VERSION;
	return 0;
}
