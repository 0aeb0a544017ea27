/* SPDX-License-Identifier: MIT */
#include "pinefs/resource.h"

#include <string.h>
#include <strings.h>

static const char *const restore_job_fields[] = {
	"restore_job_id",  "backup_id",	       "target_index_name",
	"target_index_id", "status",	       "created_at",
	"completed_at",	   "percent_complete", NULL,
};

/* With NULL at the end. */
#define FITS(fields) (sizeof(fields) / sizeof((fields)[0]) <= PFS_FIELDS_MAX + 1)

_Static_assert(FITS(restore_job_fields), "each field is a file");

/* The service says Cancelled; one l is the other spelling that clients have been seen to expect. */
static const char *const restore_job_terminal[] = {
	"Completed", "Failed", "Cancelled", "Canceled", NULL,
};

const struct pfs_kind pfs_kinds[] = {
	{
		.name = "restore-jobs",
		.path = "/restore-jobs",
		.id_key = "restore_job_id",
		.list_key = "data",
		.status_key = "status",
		.created_key = "created_at",
		.finished_key = "completed_at",
		.fields = restore_job_fields,
		.terminal = restore_job_terminal,
	},
};

_Static_assert(sizeof(pfs_kinds) / sizeof(pfs_kinds[0]) <= PFS_KINDS_MAX, "each has an inode");

const size_t pfs_kind_count = sizeof(pfs_kinds) / sizeof(pfs_kinds[0]);

const struct pfs_kind *pfs_kind_by_name(const char *name)
{
	for (size_t i = 0; i < pfs_kind_count; i++) {
		if (!strcmp(pfs_kinds[i].name, name))
			return &pfs_kinds[i];
	}
	return NULL;
}

bool pfs_kind_is_terminal(const struct pfs_kind *kind, const char *status)
{
	for (const char *const *state = kind->terminal; state && *state; state++) {
		if (!strcasecmp(*state, status))
			return true;
	}
	return false;
}
