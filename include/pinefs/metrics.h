/* SPDX-License-Identifier: MIT */
/*
 * metrics: what a mount tells those who watch over it, in the text format that Prometheus and
 * node_exporter take: the counters of stats, this process, and what is known of the project. Asks
 * nobody.
 *
 * May include store, json, resource, stats, text.
 */
#ifndef PINEFS_METRICS_H
#define PINEFS_METRICS_H

#include <stdint.h>

struct pfs_buffer;
struct pfs_stats;
struct pfs_store;

struct pfs_metrics {
	const struct pfs_stats *stats;
	struct pfs_store *store;
	const char *mount;   /* where it was mounted at first: each sample's label `mount` */
	const char *version; /* of pinefs */
	int64_t started;     /* ns since the epoch */
};

/*
 * Append all of it. Takes time in proportion to the objects that are known. Errors stay in the
 * buffer.
 */
void pfs_metrics_render(const struct pfs_metrics *metrics, struct pfs_buffer *buffer);

#endif
