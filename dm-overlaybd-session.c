// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the readers of a target have in common.
 */
#include "dm-overlaybd-session.h"

int obd_session_init(struct obd_session *session, const char *device)
{
	session->device = device;
	session->verify = true;
	spin_lock_init(&session->lock);
	INIT_LIST_HEAD(&session->left);
	obd_trace_init(&session->trace);
	session->counters = alloc_percpu(struct obd_counters);
	session->wq = alloc_workqueue("overlaybd/%s",
				      WQ_UNBOUND | WQ_MEM_RECLAIM, 0, device);
	return session->counters && session->wq ? 0 : -ENOMEM;
}

void obd_session_exit(struct obd_session *session)
{
	if (session->wq)
		destroy_workqueue(session->wq);
	obd_trace_clear(&session->trace);
	free_percpu(session->counters);
}

void obd_session_set_quiet(struct obd_session *session, bool quiet)
{
	spin_lock(&session->lock);
	WRITE_ONCE(session->quiet, quiet);
	spin_unlock(&session->lock);
}

bool obd_session_leave(struct obd_session *session, struct list_head *link)
{
	bool quiet;

	spin_lock(&session->lock);
	quiet = session->quiet;
	if (quiet)
		list_add_tail(link, &session->left);
	spin_unlock(&session->lock);
	return quiet;
}

void obd_session_take_left(struct obd_session *session, struct list_head *left)
{
	INIT_LIST_HEAD(left);
	spin_lock(&session->lock);
	list_splice_init(&session->left, left);
	spin_unlock(&session->lock);
}

void obd_session_quiesce(struct obd_session *session)
{
	wait_var_event(&session->background,
		       !atomic_read(&session->background));
}

void obd_session_count_brought(struct obd_session *session,
			       enum obd_cache_origin origin)
{
	if (origin == OBD_CACHE_AHEAD)
		this_cpu_inc(session->counters->ahead_blocks);
	else
		this_cpu_inc(session->counters->prefetch_blocks);
}

void obd_session_count_used(struct obd_session *session,
			    enum obd_cache_origin origin)
{
	if (origin == OBD_CACHE_AHEAD)
		this_cpu_inc(session->counters->ahead_used);
	else if (origin == OBD_CACHE_PREFETCH)
		this_cpu_inc(session->counters->prefetch_used);
}

void obd_session_sum(const struct obd_session *session,
		     struct obd_counters *sum)
{
	int cpu;

	*sum = (struct obd_counters) {};
	for_each_possible_cpu(cpu) {
		const struct obd_counters *c =
			per_cpu_ptr(session->counters, cpu);

		sum->stored_bytes += READ_ONCE(c->stored_bytes);
		sum->blocks += READ_ONCE(c->blocks);
		sum->deferred += READ_ONCE(c->deferred);
		sum->read_errors += READ_ONCE(c->read_errors);
		sum->crc_errors += READ_ONCE(c->crc_errors);
		sum->decompress_errors += READ_ONCE(c->decompress_errors);
		sum->cache_hits += READ_ONCE(c->cache_hits);
		sum->ahead_blocks += READ_ONCE(c->ahead_blocks);
		sum->ahead_used += READ_ONCE(c->ahead_used);
		sum->prefetch_blocks += READ_ONCE(c->prefetch_blocks);
		sum->prefetch_used += READ_ONCE(c->prefetch_used);
	}
}
