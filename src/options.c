/* SPDX-License-Identifier: MIT */
/*
 * One table of options says everything: getopt_long's array, the words of -o, the defaults and the
 * help are all made from it, so that they can't contradict each other. A default is text, and is
 * set by the code that reads the command line.
 *
 * Rejected: libfuse's option parser (fuse_opt). It knows neither defaults nor help, judges unknown
 * words only when the session is created, and reports what is wrong in its own words.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What getopt_long says for row i of the table; out of the way of letters. */
#define ROW_CODE 256

#define FIELD(member) offsetof(struct pfs_options, member)

static pfs_options_set set_list;

static const struct option_row rows[] = {
	{"api-key-file", 0, "FILE", pfs_options_set_file, FIELD(api_key_file), NULL,
	 "file with the API key"},
	{"api-key", 0, "KEY", pfs_options_refuse_key, 0, NULL, NULL},
	{"api-url", 0, "URL", pfs_options_set_url, FIELD(api_url), PFS_DEFAULT_API_URL,
	 "where the API is"},
	{"api-version", 0, "DATE", pfs_options_set_version, FIELD(api_version), "2025-10",
	 "version of the API to ask for"},
	{"ttl", 0, "SECONDS", pfs_options_set_seconds, FIELD(ttl), "5", "how long an answer holds"},
	{"ttl-ready", 0, "SECONDS", pfs_options_set_seconds, FIELD(ttl_ready), "60",
	 "the same for what is ready"},
	{"ttl-final", 0, "SECONDS", pfs_options_set_seconds, FIELD(ttl_final), "600",
	 "the same for a job that has ended"},
	{"ttl-missing", 0, "SECONDS", pfs_options_set_seconds, FIELD(ttl_missing), "2",
	 "the same for \"there is none\""},
	{"stale", 0, "SECONDS", pfs_options_set_seconds, FIELD(stale), "60",
	 "serve old values so long when the API fails"},
	{"timeout", 0, "SECONDS", pfs_options_set_timeout, FIELD(timeout), "30",
	 "longest wait of a reader, retries included"},
	{"max-rate", 0, "NUMBER", pfs_options_set_rate, FIELD(max_rate), "10",
	 "requests a second, at most"},
	{"kinds", 0, "LIST", pfs_options_set_kinds, FIELD(kinds), "all",
	 "kinds to show and ask for, commas between"},
	{"allow-restore", 0, NULL, pfs_options_set_flag, FIELD(allow_restore), NULL,
	 "mkdir in backups/ID/restores restores the backup"},
	{"cacert", 0, "FILE", pfs_options_set_file, FIELD(cacert), NULL,
	 "certificates to trust instead of the system's"},
	{"no-check", 0, NULL, pfs_options_set_flag, FIELD(no_check), NULL,
	 "mount without asking the API first"},
	{"demo", 0, NULL, pfs_options_set_flag, FIELD(demo), NULL,
	 "mount a simulated API; needs no key"},
	{"foreground", 'f', NULL, pfs_options_set_flag, FIELD(foreground), NULL,
	 "stay in the foreground, log to stderr"},
	{"debug", 'd', NULL, pfs_options_set_flag, FIELD(debug), NULL,
	 "log each request, too; implies -f"},
	{NULL, 'o', "LIST", set_list, 0, NULL, "the long options, with _ for -, and FUSE's own"},
	{"version", 'V', NULL, pfs_options_set_version_action, FIELD(action), NULL,
	 "print the version"},
	{"help", 'h', NULL, pfs_options_set_help, FIELD(action), NULL, "print this"},
};

static int set_row(struct parser *parser, const struct option_row *row, const char *value)
{
	return row->set(parser, row, (char *)parser->options + row->field, value);
}

/* Words of -o that libfuse understands (or the kernel, through it), and goes on to get. */
static const char *const fuse_flags[] = {
	"allow_other",	"allow_root", "default_permissions",
	"auto_unmount", "ro",	      "dev",
	"nodev",	"suid",	      "nosuid",
	"exec",		"noexec",     "atime",
	"noatime",	"sync",	      "async",
	"dirsync",
};
static const char *const fuse_values[] = {"fsname", "subtype", "max_read"};

/* Likewise, with a value that may have commas if it is in quotes: a security context of SELinux. */
static const char *const context_values[] = {"context", "fscontext", "defcontext", "rootcontext"};

/* With these of them the kernel checks modes and owners. */
static const char *const mode_flags[] = {"allow_other", "allow_root", "default_permissions"};

/*
 * Words of fstab for others: mount(8), systemd, people. rw is what the mount looks like. Those
 * behind it mount(8) passes on; they change nothing about files that others change.
 */
static const char *const ignored_words[] = {
	"_netdev",  "nofail",	  "noauto",	 "auto",	  "user",     "users",
	"nouser",   "owner",	  "group",	 "defaults",	  "comment",  "rw",
	"relatime", "norelatime", "strictatime", "nostrictatime", "diratime", "nodiratime",
	"lazytime", "nolazytime", "iversion",	 "noiversion",	  "mand",     "nomand",
	"silent",   "loud",
};

static bool is_among(const char *name, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_ignored(const char *name)
{
	return is_among(name, ignored_words, COUNT(ignored_words)) ||
	       strncasecmp(name, "x-", 2) == 0;
}

/* A number from 0 to most, in digits of this base and nothing else. */
static bool parse_number(const char *text, int base, unsigned long most, unsigned long *ret_value)
{
	const char *digits = base == 8 ? "01234567" : "0123456789";
	unsigned long value;

	if (!*text || text[strspn(text, digits)])
		return false;
	errno = 0;
	value = strtoul(text, NULL, base);
	if (errno || value > most)
		return false;
	*ret_value = value;
	return true;
}

/* uid=, gid= and umask=, which libfuse's low-level API leaves to us. -ENOENT: another word. */
static int set_owner(struct parser *parser, const char *name, const char *value)
{
	struct pfs_options *options = parser->options;
	/* The last id is what chown(2) takes for "leave it". */
	const unsigned long last_id = UINT32_MAX - 1;
	const char *number = value ? value : "";
	unsigned long id;

	if (strcmp(name, "uid") == 0 && parse_number(number, 10, last_id, &id))
		options->uid = (uid_t)id;
	else if (strcmp(name, "gid") == 0 && parse_number(number, 10, last_id, &id))
		options->gid = (gid_t)id;
	else if (strcmp(name, "umask") == 0 && parse_number(number, 8, 0777, &id))
		options->umask = (mode_t)id;
	else if (strcmp(name, "uid") == 0 || strcmp(name, "gid") == 0)
		return pfs_options_refuse(parser, "-o %s: '%s' is not a number of a user or group",
					  name, number);
	else if (strcmp(name, "umask") == 0)
		return pfs_options_refuse(parser, "-o umask: '%s' is not an octal number up to 777",
					  number);
	else
		return -ENOENT;
	return 0;
}

/* The value of one of libfuse's words. 0, or -EINVAL. */
static int check_fuse_value(struct parser *parser, const char *name, const char *value)
{
	unsigned long bytes;

	if (!value || !*value)
		return pfs_options_refuse(parser, "-o %s: needs a value", name);
	if (strcmp(name, "max_read") != 0)
		return 0;
	if (!parse_number(value, 10, UINT32_MAX, &bytes))
		return pfs_options_refuse(parser, "-o max_read: '%s' is not a number of bytes",
					  value);
	parser->options->max_read = (unsigned)bytes;
	return 0;
}

/* raw: the whole word as it was given, escapes included. -ENOENT: not one of libfuse's. */
static int pass_on(struct parser *parser, const char *name, const char *value, const char *raw,
		   size_t length)
{
	bool is_flag = is_among(name, fuse_flags, COUNT(fuse_flags));

	if (!is_flag && !is_among(name, fuse_values, COUNT(fuse_values)))
		return -ENOENT;
	if (!is_flag && check_fuse_value(parser, name, value) < 0)
		return -EINVAL;
	if (is_flag && value)
		return pfs_options_refuse(parser, "-o %s: takes no value", name);

	if (is_among(name, mode_flags, COUNT(mode_flags)))
		parser->options->check_modes = true;
	parser->for_root |= strcmp(name, "allow_root") == 0;
	if (parser->fuse.length > 0)
		pfs_buffer_add_string(&parser->fuse, ",");
	if (pfs_buffer_add(&parser->fuse, raw, length) < 0)
		return pfs_options_fail(parser, parser->fuse.error);
	return 0;
}

/*
 * The kernel splits its options at commas, but for those in quotes, which it drops; libfuse, before
 * that, at those that aren't escaped.
 */
static void add_context(struct pfs_buffer *fuse, const char *name, const char *value)
{
	const char *quote = strchr(value, ',') ? "\"" : "";

	if (fuse->length > 0)
		pfs_buffer_add_string(fuse, ",");
	pfs_buffer_format(fuse, "%s=%s", name, quote);
	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			pfs_buffer_add_string(fuse, "\\");
		if (*value != '"')
			pfs_buffer_add(fuse, value, 1);
	}
	pfs_buffer_add_string(fuse, quote);
}

/* -ENOENT: not such a word. */
static int pass_context(struct parser *parser, const char *name, const char *value)
{
	size_t quotes = 0;

	if (!is_among(name, context_values, COUNT(context_values)))
		return -ENOENT;
	for (const char *byte = value; byte && *byte; byte++)
		quotes += *byte == '"';
	if (!value || strlen(value) == quotes)
		return pfs_options_refuse(parser, "-o %s: needs a value", name);
	if (quotes % 2)
		return pfs_options_refuse(parser, "-o %s: a quote isn't closed", name);
	add_context(&parser->fuse, name, value);
	return parser->fuse.error ? pfs_options_fail(parser, parser->fuse.error) : 0;
}

/* Names are the same with _ and with -. */
static bool is_row(const struct option_row *row, const char *name)
{
	const char *own = row->name;

	if (!own)
		return false;
	for (; *own && (*own == *name || (*own == '-' && *name == '_')); own++)
		name++;
	return !*own && !*name;
}

static int set_word(struct parser *parser, const char *name, const char *value, const char *raw,
		    size_t length)
{
	int result;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!is_row(&rows[i], name))
			continue;
		if (!rows[i].argument && value)
			return pfs_options_refuse(parser, "-o %s: takes no value", name);
		if (rows[i].argument && !value)
			return pfs_options_refuse(parser, "-o %s: needs a value", name);
		return set_row(parser, &rows[i], value);
	}
	if (is_ignored(name))
		return 0;
	if (strcmp(name, "remount") == 0)
		return pfs_options_refuse(parser, "-o remount: a pinefs can't be remounted; "
						  "unmount it and mount it again");
	result = set_owner(parser, name, value);
	if (result == -ENOENT)
		result = pass_context(parser, name, value);
	if (result == -ENOENT)
		result = pass_on(parser, name, value, raw, length);
	if (result == -ENOENT)
		return pfs_options_refuse(parser, "-o %s: unknown option", name);
	return result;
}

/*
 * Take one word of a list, raw, apart and set it; name and value lose their backslashes. A lone
 * backslash at the end is dropped: it would escape the comma that pass_on puts behind it.
 */
static int set_raw_word(struct parser *parser, const char *raw, size_t length)
{
	char *name = malloc(length + 1);
	char *value = NULL;
	size_t used = 0;
	int result;

	if (!name)
		return pfs_options_fail(parser, -ENOMEM);
	for (size_t i = 0; i < length; i++) {
		if (raw[i] == '\\' && ++i == length)
			length--;
		else
			name[used++] = raw[i];
	}
	name[used] = '\0';
	value = strchr(name, '=');
	if (value)
		*value++ = '\0';
	result = set_word(parser, name, value, raw, length);
	free(name);
	return result;
}

/* Up to the next comma that is neither escaped nor, in a security context, in quotes. */
static size_t word_length(const char *list)
{
	bool may_quote = false, quoted = false;
	size_t length = strcspn(list, "=");

	for (size_t i = 0; i < COUNT(context_values); i++)
		may_quote |= strlen(context_values[i]) == length &&
			     !strncmp(list, context_values[i], length);
	for (length = 0; list[length] && (quoted || list[length] != ',');) {
		if (may_quote && list[length] == '"')
			quoted = !quoted;
		length += list[length] == '\\' && list[length + 1] ? 2 : 1;
	}
	return length;
}

static int set_list(struct parser *parser, const struct option_row *row, void *where,
		    const char *value)
{
	int result = 0;

	while (*value && !result) {
		size_t length = word_length(value);

		if (length > 0)
			result = set_raw_word(parser, value, length);
		value += length + (value[length] == ',');
	}
	return result;
}

static int set_positional(struct parser *parser, const char *word)
{
	struct pfs_options *options = parser->options;

	if (!*word)
		return pfs_options_refuse(parser, "'' is not the name of a directory");
	if (options->source)
		return pfs_options_refuse(parser, "'%s': one mountpoint is enough", word);
	if (options->mountpoint) {
		options->source = options->mountpoint;
		options->mountpoint = NULL;
	}
	return pfs_options_replace(parser, &options->mountpoint, strdup(word));
}

/* code is one that getopt_long has from us: of a row, or a letter that some row has. */
static const struct option_row *row_of(int code)
{
	size_t i = 0;

	if (code >= ROW_CODE)
		return &rows[code - ROW_CODE];
	while (i + 1 < COUNT(rows) && rows[i].letter != code)
		i++;
	return &rows[i];
}

/* getopt_long's "?". The word is quoted only up to its "=": a key may have been put behind it. */
static int refuse_unknown(const struct parser *parser, const char *word)
{
	if (optopt >= ROW_CODE)
		return pfs_options_refuse(parser, "--%s: takes no argument", row_of(optopt)->name);
	if (optopt)
		return pfs_options_refuse(parser, "-%c: unknown option", optopt);
	return pfs_options_refuse(parser, "%.*s: unknown or ambiguous option",
				  (int)strcspn(word, "="), word);
}

/* For getopt_long; "-:" in front: words in their order, and ':' for a missing argument. */
struct getopt_tables {
	struct option longs[COUNT(rows) + 1];
	char letters[2 + 2 * COUNT(rows) + 1];
};

static void build_tables(struct getopt_tables *tables)
{
	struct option *next = tables->longs;
	char *letter = tables->letters;

	memset(tables, 0, sizeof(*tables));
	*letter++ = '-';
	*letter++ = ':';
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool has_argument = rows[i].argument != NULL;

		if (rows[i].name)
			*next++ = (struct option){rows[i].name, has_argument, NULL,
						  ROW_CODE + (int)i};
		if (rows[i].letter)
			*letter++ = rows[i].letter;
		if (rows[i].letter && has_argument)
			*letter++ = ':';
	}
}

static int read_words(struct parser *parser, int argc, char *const argv[])
{
	struct getopt_tables tables;
	int code, result = 0;

	build_tables(&tables);
	optind = 0; /* glibc: start afresh */
	opterr = 0;
	while (!result && parser->options->action == PFS_ACTION_MOUNT) {
		code = getopt_long(argc, argv, tables.letters, tables.longs, NULL);
		if (code == -1)
			break;
		if (code == 1)
			result = set_positional(parser, optarg);
		else if (code == '?')
			result = refuse_unknown(parser, argv[optind - 1]);
		else if (code == ':')
			result = pfs_options_refuse(parser, "%s: needs an argument",
						    argv[optind - 1]);
		else
			result = set_row(parser, row_of(code), optarg);
	}
	if (parser->options->action != PFS_ACTION_MOUNT)
		return result;
	for (int i = optind; i < argc && !result; i++)
		result = set_positional(parser, argv[i]);
	return result;
}

static int set_defaults(struct parser *parser)
{
	struct pfs_options *options = parser->options;
	int result = 0;

	for (size_t i = 0; i < COUNT(rows) && !result; i++) {
		if (rows[i].fallback)
			result = set_row(parser, &rows[i], rows[i].fallback);
	}
	options->uid = getuid();
	options->gid = getgid();
	parser->has_url = false;
	return result;
}

static int read_environment(struct parser *parser)
{
	struct pfs_options *options = parser->options;
	const char *host = getenv("PINECONE_CONTROLLER_HOST");
	const char *headers = getenv("PINECONE_ADDITIONAL_HEADERS");
	char *url;

	if (headers && *headers) {
		options->additional_headers = strdup(headers);
		if (!options->additional_headers)
			return pfs_options_fail(parser, -ENOMEM);
	}
	if (!host || !*host)
		return 0;
	url = pfs_options_normal_url(host);
	if (!url)
		return pfs_options_refuse(parser, "$PINECONE_CONTROLLER_HOST: '%s' is not a URL",
					  host);
	return pfs_options_replace(parser, &options->api_url, url);
}

/* Is there a kind with a command, and the kind of its jobs? */
static bool serve_a_command(const struct pfs_kinds *kinds)
{
	for (size_t i = 0; i < kinds->count; i++) {
		const struct pfs_command *command = kinds->rows[i]->command;

		if (command && pfs_kind_by_name(kinds, command->job_kind))
			return true;
	}
	return false;
}

/* What no option can be judged by alone. */
static int check_whole(struct parser *parser)
{
	struct pfs_options *options = parser->options;

	if (options->action != PFS_ACTION_MOUNT)
		return 0;
	if (!options->mountpoint)
		return pfs_options_refuse(parser, "no mountpoint given");
	if (options->demo && parser->has_url)
		return pfs_options_refuse(parser, "--demo brings its own API: not with --api-url");
	if (options->demo && options->api_key_file)
		return pfs_options_refuse(parser, "--demo needs no key: not with --api-key-file");
	if (options->allow_restore && !serve_a_command(&options->kinds))
		return pfs_options_refuse(parser, "--allow-restore: backups and restore-jobs must "
						  "be among the --kinds");
	if (options->debug)
		options->foreground = true;
	return 0;
}

int pfs_options_parse(struct pfs_options *ret_options, int argc, char *const argv[], char *text,
		      size_t size)
{
	struct pfs_options options = {.action = PFS_ACTION_MOUNT};
	struct parser parser = {.options = &options, .text = text, .size = size};
	int result = set_defaults(&parser);

	if (!result)
		result = read_environment(&parser);
	if (!result)
		result = read_words(&parser, argc, argv);
	if (!result)
		result = check_whole(&parser);
	if (!result && pfs_buffer_add(&parser.fuse, "", 0) < 0)
		result = pfs_options_fail(&parser, parser.fuse.error);
	if (result < 0) {
		pfs_buffer_finish(&parser.fuse);
		pfs_options_finish(&options);
		return result;
	}
	/* libfuse turns others away, but what the kernel keeps it gives them without asking us. */
	if (parser.for_root)
		options.umask |= 077;
	options.fuse = parser.fuse.bytes;
	*ret_options = options;
	return 0;
}

void pfs_options_finish(struct pfs_options *options)
{
	free(options->source);
	free(options->mountpoint);
	free(options->api_key_file);
	free(options->api_url);
	free(options->api_version);
	free(options->cacert);
	if (options->additional_headers) /* may be credentials */
		explicit_bzero(options->additional_headers, strlen(options->additional_headers));
	free(options->additional_headers);
	free(options->fuse);
	*options = (struct pfs_options){0};
}

static void print_row(FILE *out, const struct option_row *row)
{
	char left[40];
	const char *argument = row->argument ? row->argument : "";
	const char *blank = row->argument ? " " : "";

	if (!row->name)
		(void)snprintf(left, sizeof(left), "-%c%s%s", row->letter, blank, argument);
	else if (row->letter)
		(void)snprintf(left, sizeof(left), "-%c, --%s%s%s", row->letter, row->name, blank,
			       argument);
	else
		(void)snprintf(left, sizeof(left), "    --%s%s%s", row->name, blank, argument);
	(void)fprintf(out, "  %-26s %s", left, row->help);
	if (row->fallback)
		(void)fprintf(out, " [%s]", row->fallback);
	(void)fputc('\n', out);
}

void pfs_options_help(FILE *out)
{
	(void)fputs(
		"Usage: pinefs [OPTIONS] [SOURCE] MOUNTPOINT\n"
		"\n"
		"Mount the Pinecone control plane: restore jobs as directories, their fields as\n"
		"files. Unmount with fusermount3 -u MOUNTPOINT.\n"
		"\n",
		out);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].help)
			print_row(out, &rows[i]);
	}
	(void)fputs(
		"\n"
		"Also in -o: uid=N, gid=N, umask=OCTAL; allow_other, allow_root, fsname=NAME and\n"
		"the other words that pinefs(1) lists; those of them that are for mount(8) and\n"
		"systemd (_netdev, nofail, relatime, x-...) are ignored. Any other is refused.\n"
		"Without --api-key-file the key is that of $PINECONE_API_KEY, without --api-url\n"
		"the API that of $PINECONE_CONTROLLER_HOST. See pinefs(1).\n",
		out);
}

void pfs_options_each(void (*visit)(void *arg, const char *name, char letter, const char *argument),
		      void *arg)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].name && rows[i].help)
			visit(arg, rows[i].name, rows[i].letter, rows[i].argument);
	}
}
