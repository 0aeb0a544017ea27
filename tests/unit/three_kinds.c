/* SPDX-License-Identifier: MIT */
#include "three_kinds.h"

#include "unit.h"

static const struct pfs_field job_fields[] = {
	{.name = "restore_job_id"}, {.name = "status"}, {.name = "created_at"},
	{.name = "completed_at"},   {.name = "gadget"},
};

static const struct pfs_state job_states[] = {
	{"Completed", PFS_END_GOOD},
	{"Failed", PFS_END_FAILED},
	{"Cancelled", PFS_END_CANCELLED},
};

static const struct pfs_link job_links[] = {{"index", "gadgets", "gadget"}};

static const struct pfs_kind jobs = {
	.number = 0,
	.name = "restore-jobs",
	.path = "/restore-jobs",
	.list_key = "data",
	.is_paged = true,
	.id = "restore_job_id",
	.status = "status",
	.created = "created_at",
	.finished = "completed_at",
	.fields = job_fields,
	.field_count = COUNT(job_fields),
	.states = job_states,
	.state_count = COUNT(job_states),
	.links = job_links,
	.link_count = COUNT(job_links),
	.is_final = true,
	.has_done = true,
};

static const struct pfs_field gadget_fields[] = {
	{.name = "name"},
	{.name = "status", .paths = {"status.state", "state"}},
	{.name = "ready", .paths = {"status.ready"}},
	{.name = "cloud",
	 .paths = {"spec.serverless.cloud", "spec.byoc.cloud", "deployment.cloud"}},
};

static const struct pfs_state gadget_states[] = {
	{"Broken", PFS_END_FAILED},
	{"Withdrawn", PFS_END_CANCELLED},
};

static const struct pfs_kind gadgets = {
	.number = 7,
	.name = "gadgets",
	.path = "/lab/gadgets",
	.list_key = "gadgets",
	.is_whole = true,
	.id = "name",
	.status = "status",
	.ready = "ready",
	.fields = gadget_fields,
	.field_count = COUNT(gadget_fields),
	.states = gadget_states,
	.state_count = COUNT(gadget_states),
	.is_gone_at_a_404 = true,
};

static const struct pfs_field note_fields[] = {{.name = "note_id"}, {.name = "text"}};

static const struct pfs_kind notes = {
	.number = 15,
	.name = "notes",
	.path = "/notes",
	.list_key = "notes",
	.is_paged = true,
	.id = "note_id",
	.fields = note_fields,
	.field_count = COUNT(note_fields),
};

const struct pfs_kinds three_kinds = {.rows = {&jobs, &gadgets, &notes}, .count = 3};
