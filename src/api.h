/* SPDX-License-Identifier: MIT */
/* What the files of the api room share: api.c (calls), api_error.c (what a failure means). */
#ifndef PINEFS_SRC_API_H
#define PINEFS_SRC_API_H

#include "pinefs/api.h"

/* --- api_error.c --- */

/* The errno (negative) for the answer to a command; 0 for one of 2xx. */
int pfs_api_command_errno(const struct pfs_http_answer *http);

enum pfs_api_fate pfs_api_fate(const struct pfs_http_answer *http);

/* Write, for people, why the answer isn't good: what the API said, else what HTTP or libcurl said.
 */
void pfs_api_explain(const struct pfs_http_answer *http, char *out, size_t size);

#endif
