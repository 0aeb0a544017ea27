/* SPDX-License-Identifier: MIT */
/* What the files of the json room share: json.c (walking, finding), json_same.c (comparing). */
#ifndef PINEFS_SRC_JSON_H
#define PINEFS_SRC_JSON_H

#include "pinefs/json.h"

/* Has the object just one member of this key? Asked as pfs_json_pick is. */
bool pfs_json_is_only(const char *text, size_t length, const char *key);

#endif
