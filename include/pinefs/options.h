/* SPDX-License-Identifier: MIT */
/*
 * options: reads the command line, -o lists and the environment into one struct. Knows which
 * options there are, their defaults and their help; acts on none of them.
 *
 * Ground: uses text only.
 */
#ifndef PINEFS_OPTIONS_H
#define PINEFS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "pinefs/resource.h"

enum pfs_action { PFS_ACTION_MOUNT, PFS_ACTION_HELP, PFS_ACTION_VERSION };

/* Strings are owned by the struct. Times are in nanoseconds. */
struct pfs_options {
	enum pfs_action action;
	char *source;	  /* as given, or NULL */
	char *mountpoint; /* as given; NULL only for help and version */
	char *api_key_file;
	char *api_url; /* --api-url, else $PINECONE_CONTROLLER_HOST, else the public service. Has a
			* scheme ("https://" is added to one without) and no slash at its end.
			* pfs_http_check_url says whether it may be used. */
	char *api_version;
	char *cacert;
	char *additional_headers; /* $PINECONE_ADDITIONAL_HEADERS, JSON text, or NULL */
	struct pfs_kinds kinds;	  /* those to serve, in the order of the table; one at least */
	int64_t ttl;
	int64_t ttl_ready;
	int64_t ttl_final;
	int64_t ttl_missing;
	int64_t stale;
	int64_t timeout;
	double max_rate;    /* requests a second, above 0 */
	bool allow_restore; /* then each kind with a command has the kind of its jobs beside it */
	bool no_check;
	bool demo;
	bool foreground;
	bool debug;
	bool check_modes; /* allow_other, allow_root or default_permissions was given */
	uid_t uid;	  /* owner of every file; the caller's unless given */
	gid_t gid;
	mode_t umask;	   /* bits removed from the modes 0555 and 0444; 0 unless given */
	unsigned max_read; /* bytes; 0: not given. It is in fuse, too */
	char *fuse;	   /* the options for libfuse, commas escaped as they were given:
			    * "allow_other,max_read=4096", or "" */
};

/*
 * If argv[0] is that of a helper of mount(8), mount.pinefs or mount.fuse.pinefs, take the letters
 * away that mount(8) gives to all of them: -s, -n, -v, -N NAMESPACE, -t TYPE and -f, which is what
 * *ret_fake becomes true by: nothing is to be mounted. argv (with a NULL at its end) is changed;
 * the result is its new length.
 */
int pfs_options_take_helper(int argc, char *argv[], bool *ret_fake);

/*
 * Read the command line (argv[0] is the program's name) and the environment. Understands the long
 * options of the manual, each also as -o name_with_underscores[=value]; -o lists, with commas
 * escaped by a backslash; libfuse's own options; and the words of fstab that mean nothing to us
 * (_netdev, nofail, noauto, auto, user, users, x-*, defaults, rw...). Of an option that is given
 * twice the last counts. -h and -V end the reading: what stands behind them isn't read. File names
 * become absolute, since the daemon leaves the directory that they are relative to.
 *
 * 0: call pfs_options_finish later. On failure there is nothing to finish, and text has one line
 * for people (no newline, escaped): -EINVAL for wrong usage; -ENOMEM; or what getcwd(3) failed
 * with. The line names the wrong word, but not the value of an unknown option, which may be a
 * misplaced key. Uses getopt_long(3), and so its global state; argv isn't permuted.
 */
int pfs_options_parse(struct pfs_options *options, int argc, char *const argv[], char *text,
		      size_t size);
void pfs_options_finish(struct pfs_options *options); /* takes a zeroed one */

/* Print what --help prints: usage, each option with its default. */
void pfs_options_help(FILE *out);

/*
 * Visit each long option: its name ("api-key-file"), its short letter or 0, its argument's name
 * or NULL. With this a check compares the manual and the help.
 */
void pfs_options_each(void (*visit)(void *arg, const char *name, char letter, const char *argument),
		      void *arg);

#define PFS_DEFAULT_API_URL "https://api.pinecone.io"

#endif
