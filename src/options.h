/* SPDX-License-Identifier: MIT */
/*
 * What options.c (the table, and the reading of words) and options_value.c (the kinds of
 * arguments) share. For these two files only.
 */
#ifndef PINEFS_SRC_OPTIONS_H
#define PINEFS_SRC_OPTIONS_H

#include "pinefs/options.h"
#include "pinefs/text.h"

struct parser {
	struct pfs_options *options; /* filled bit by bit; finished by the caller on failure */
	struct pfs_buffer fuse;	     /* becomes options->fuse */
	bool has_url;		     /* --api-url was given */
	bool for_root;		     /* allow_root was given */
	char *text;		     /* for the complaint, of size bytes */
	size_t size;
};

struct option_row;

/*
 * Read value (NULL for an option without argument) into where, the row's field. 0, or -errno with
 * a complaint in the parser's text.
 */
typedef int pfs_options_set(struct parser *parser, const struct option_row *row, void *where,
			    const char *value);

struct option_row {
	const char *name; /* without dashes in front; NULL: has a letter only, and no word of -o */
	char letter;	  /* 0: has a name only */
	const char *argument;
	pfs_options_set *set;
	size_t field;	      /* offset in struct pfs_options */
	const char *fallback; /* the default, as it would be typed; NULL: none */
	const char *help;     /* NULL: not shown */
};

pfs_options_set pfs_options_set_flag;
pfs_options_set pfs_options_set_file;
pfs_options_set pfs_options_set_url;
pfs_options_set pfs_options_set_version;
pfs_options_set pfs_options_set_seconds;
pfs_options_set pfs_options_set_timeout; /* seconds above 0 */
pfs_options_set pfs_options_set_rate;
pfs_options_set pfs_options_set_kinds;
pfs_options_set pfs_options_refuse_key;
pfs_options_set pfs_options_set_help;
pfs_options_set pfs_options_set_version_action;

/* Leave a complaint; result is -EINVAL, or error. */
int pfs_options_refuse(const struct parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int pfs_options_fail(const struct parser *parser, int error);

/* Put value (NULL: its allocation failed) in place of the string there. 0; -ENOMEM. */
int pfs_options_replace(const struct parser *parser, char **where, char *value);

/* With a scheme and without a slash at the end; NULL if too little is left, or no memory. */
char *pfs_options_normal_url(const char *value);

#endif
