/* SPDX-License-Identifier: MIT */
/*
 * key: the API key, from where it is found to where it is wiped. Holds the one copy; others
 * borrow it for the moment in which they build a request.
 *
 * Ground: uses text only. Reads one small file; nothing else blocks.
 */
#ifndef PINEFS_KEY_H
#define PINEFS_KEY_H

#include <stdbool.h>
#include <stddef.h>

#define PFS_KEY_MAX 512 /* bytes; Pinecone's keys are about 75 */

struct pfs_key {
	char value[PFS_KEY_MAX + 1]; /* printable ASCII; "" while there is none */
	char *file;		     /* absolute path it came from; NULL: from the environment */
	unsigned generation;	     /* rises with each new key */
};

/*
 * Find the key: file (absolute) if it isn't NULL, else $PINECONE_API_KEY, else the file
 * pinecone_api_key in $CREDENTIALS_DIRECTORY; a variable that is empty counts as unset.
 * White space around the key is dropped. key may be uninitialised.
 *
 * 0; on failure -errno and in text (of size bytes) a line for a person, which never quotes the
 * key: -ENOKEY nothing found, -EACCES others can get at the file or it isn't ours (a file of
 * root, or of the effective user, is), -EINVAL what is there can't be a key (nothing, more than
 * one word, quotes, NAME=key), -ENOMEM, or what open(2) said. The file must be a regular one with
 * no permission for group and others.
 *
 * One exception: a file directly in $CREDENTIALS_DIRECTORY may let its group read. systemd hands
 * a credential to a service's user by an access list, whose mask stat(2) shows as mode 0440, and
 * keeps everyone else out by the directory.
 */
int pfs_key_load(struct pfs_key *key, const char *file, char *text, size_t size);

/*
 * Read the file again. 1 if the key is another now, 0 if not or it never came from a file, -errno
 * if it couldn't be read (the old one stays).
 */
int pfs_key_reload(struct pfs_key *key);

/*
 * Overwrite the key's bytes in this process's environment (so that /proc/PID/environ no longer
 * shows them) and drop the variable; and PINECONE_ADDITIONAL_HEADERS likewise, since headers may
 * be credentials, too. Call it in each process that inherited them, once they have been copied.
 */
void pfs_key_clear_environment(void);

/* Wipe and free. Takes one that was never loaded (zeroed). */
void pfs_key_finish(struct pfs_key *key);

#endif
