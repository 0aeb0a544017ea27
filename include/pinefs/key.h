/* SPDX-License-Identifier: MIT */
/*
 * key: the API key, from finding it to wiping it. This room has the only copy; others borrow it
 * while they build a request.
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
	char *file;		     /* absolute path of its file; NULL: from the environment */
	unsigned generation;	     /* rises with each new key */
};

/*
 * Find the key: in file (absolute) if it isn't NULL, else in $PINECONE_API_KEY, else in the file
 * pinecone_api_key in $CREDENTIALS_DIRECTORY. A variable that is empty counts as unset. White
 * space around the key is dropped. key may be uninitialised.
 *
 * 0. On failure -errno, and in text (of size bytes) a line for people, which never quotes the key.
 * -ENOKEY: no key was found. -EACCES: others may open the file, or its owner is neither root nor
 * the effective user. -EINVAL: what was found can't be a key (it is empty, has more than one word,
 * has quotes, or is NAME=key). -ENOMEM; or what open(2) failed with. The file must be a regular one
 * without any permission for group and others.
 *
 * One exception: a file directly in $CREDENTIALS_DIRECTORY may be readable for its group. systemd
 * hands a credential to a service's user by an access list, whose mask stat(2) shows as mode 0440,
 * and the mode of the directory keeps everyone else out.
 */
int pfs_key_load(struct pfs_key *key, const char *file, char *text, size_t size);

/*
 * Read the key's file again. 1: the key has changed. 0: it hasn't, or it came from no file. -errno:
 * the file couldn't be read, and the old key stays.
 */
int pfs_key_reload(struct pfs_key *key);

/*
 * Overwrite the key's bytes in this process's environment, so that /proc/PID/environ no longer
 * shows them, and unset the variable. The same for PINECONE_ADDITIONAL_HEADERS, since headers may
 * be credentials, too. Call this in each process that inherited them, once they have been copied.
 */
void pfs_key_clear_environment(void);

/* Wipe and free a key. Takes one that was never loaded (zeroed). */
void pfs_key_finish(struct pfs_key *key);

#endif
