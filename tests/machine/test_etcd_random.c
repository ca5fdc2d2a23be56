/*
 * test_etcd_random.c - random sequences of requests against a naive model of an etcd: arrays,
 * and a copy of all keys for every revision.
 */
#include "support/etcd_bed.h"
#include <string.h>

#define SEQUENCES 1000u
#define STEPS 60u
#define KEYS 8u
#define LEASES 4u
#define LEASE_FIRST 501u
#define REVISIONS_MAX 512u

struct model_key {
    bool exists;
    uint32_t value, lease;
    uint64_t create, mod, version;
};
struct model_lease {
    bool exists;
    uint64_t ttl_s, extensions;
    tstamp deadline, revoke_at;
};
struct model_event {
    uint64_t revision;
    uint32_t key, value;
    bool deleted;
};
struct model {
    struct bed *bed;
    uint64_t seed, draws;
    struct key keys[KEYS]; /* in key order */
    struct model_key now[KEYS], past[REVISIONS_MAX][KEYS];
    uint64_t revision, compacted;
    struct model_lease leases[LEASES];
    struct model_event events[REVISIONS_MAX * KEYS];
    uint32_t event_count, events_seen;
    uint32_t watches;
};

static uint64_t draw(struct model *m, uint64_t bound)
{
    return draw_mix(m->seed, m->draws++) % bound;
}

static void model_keys(struct model *m)
{
    static const struct key keys[KEYS] = {
        {.family = KEY_THROTTLING, .ns = BED_GUEST, .action = ACTION_NONE},
        {.family = KEY_THROTTLING, .ns = BED_GUEST, .action = BED_SLOW},
        {.family = KEY_THROTTLING, .ns = BED_GUEST, .action = BED_FAILS},
        {.family = KEY_SCHEDULER, .node = BED_SCHEDULER1},
        {.family = KEY_INVOKERS, .node = BED_INVOKER2},
        {.family = KEY_WARMED, .ns = BED_OTHER, .action = BED_WIDE, .revision = 1, .id = 77},
        {.family = KEY_EXISTING, .ns = BED_OTHER, .action = BED_WIDE, .revision = 1, .id = 7},
        {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO},
    };
    memcpy(m->keys, keys, sizeof keys);
    for (uint32_t i = 1; i < KEYS; i++) {
        for (uint32_t k = i; k > 0; k--) {
            if (key_compare(&m->bed->cluster, &m->keys[k - 1], &m->keys[k]) < 0)
                break;
            struct key swap = m->keys[k];
            m->keys[k] = m->keys[k - 1];
            m->keys[k - 1] = swap;
        }
    }
}

/* ---- what the model does ---- */

static void model_event(struct model *m, uint32_t key, uint32_t value, bool deleted)
{
    m->events[m->event_count++] = (struct model_event){m->revision + 1, key, value, deleted};
}

static void model_seal(struct model *m)
{
    m->revision++;
    assert_true(m->revision < REVISIONS_MAX);
    memcpy(m->past[m->revision], m->now, sizeof m->now);
}

static void model_remove(struct model *m, uint32_t key)
{
    model_event(m, key, m->now[key].value, true);
    m->now[key] = (struct model_key){0};
}

static void model_put(struct model *m, uint32_t i, uint32_t value, uint32_t lease)
{
    struct model_key *key = &m->now[i];
    *key = (struct model_key){.exists = true,
                              .value = value,
                              .lease = lease,
                              .create = key->exists ? key->create : m->revision + 1,
                              .mod = m->revision + 1,
                              .version = key->version + 1};
    model_event(m, i, value, false);
    model_seal(m);
}

static void model_revoke(struct model *m, uint32_t lease)
{
    bool any = false;
    for (uint32_t i = 0; i < KEYS; i++) {
        if (m->now[i].exists && m->now[i].lease == LEASE_FIRST + lease) {
            model_remove(m, i);
            any = true;
        }
    }
    if (any)
        model_seal(m);
    m->leases[lease].exists = false;
}

static void model_extend(struct model *m, uint32_t i, tstamp now, duration grace)
{
    struct model_lease *lease = &m->leases[i];
    duration late = draw_range(&m->bed->draws, PURPOSE_LEASE_EXPIRY, LEASE_FIRST + i,
                               lease->extensions++, (struct range){0, MSEC(500)});
    lease->deadline = now + SEC(lease->ttl_s) + grace;
    lease->revoke_at = lease->deadline + late;
}

/* Revoke, in the order of time, what is due. */
static void model_pass(struct model *m, tstamp until)
{
    while (true) {
        uint32_t first = LEASES;
        for (uint32_t i = 0; i < LEASES; i++) {
            const struct model_lease *lease = &m->leases[i];
            if (lease->exists && lease->revoke_at <= until &&
                (first == LEASES || lease->revoke_at < m->leases[first].revoke_at))
                first = i;
        }
        if (first == LEASES)
            return;
        model_revoke(m, first);
    }
}

/* ---- the comparison ---- */

static void check_events(struct model *m, const struct message *messages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (messages[i].kind != MSG_WATCH_EVENT)
            continue;
        assert_true(m->events_seen < m->event_count);
        const struct model_event *e = &m->events[m->events_seen++];
        assert_int_equal(messages[i].u.watch.revision, e->revision);
        assert_true(key_equal(&messages[i].u.watch.key, &m->keys[e->key]));
        assert_int_equal(messages[i].u.watch.deleted, e->deleted);
        assert_int_equal(messages[i].u.watch.value.a, e->value);
        assert_int_equal(messages[i].u.watch.watch, m->watches);
    }
}

static void check_step(struct model *m)
{
    check_events(m, m->bed->sent, m->bed->sent_count);
    assert_int_equal(m->events_seen, m->event_count);
    assert_int_equal(etcd_of(m->bed)->store.revision, m->revision);
    bed_forget(m->bed);
}

static void check_revision(struct model *m, uint64_t revision, const struct model_key *keys)
{
    struct etcd_range range = {.span = etcd_bed_all(), .revision = revision};
    struct etcd_listing list;
    assert_int_equal(etcd_range(etcd_of(m->bed), &range, &list), ETCD_ERROR_NONE);
    uint32_t at = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        if (!keys[i].exists)
            continue;
        assert_true(at < list.length);
        const struct etcd_version *version = list.versions[at++];
        assert_true(key_equal(&version->entry->key, &m->keys[i]));
        assert_int_equal(version->value.a, keys[i].value);
        assert_int_equal(version->lease, keys[i].lease);
        assert_int_equal(version->create_revision, keys[i].create);
        assert_int_equal(version->revision, keys[i].mod);
        assert_int_equal(version->version, keys[i].version);
    }
    assert_int_equal(at, list.length);
    assert_int_equal(list.count, at);
    etcd_listing_free(&list, &m->bed->env);
}

/* ---- the requests ---- */

static bool lease_is_usable(const struct model *m, uint32_t lease)
{
    return lease == 0 || m->leases[lease - LEASE_FIRST].exists;
}

static uint32_t draw_lease(struct model *m)
{
    uint64_t pick = draw(m, LEASES + 1);
    return pick == 0 ? 0 : LEASE_FIRST + (uint32_t)pick - 1;
}

static void step_put(struct model *m, bool if_absent)
{
    uint32_t i = (uint32_t)draw(m, KEYS), value = (uint32_t)draw(m, 100);
    uint32_t lease = draw_lease(m);
    bool runs = !if_absent || !m->now[i].exists;
    bool ok = !runs || lease_is_usable(m, lease);
    if (runs && ok)
        model_put(m, i, value, lease);
    const struct message *reply = if_absent
                                      ? etcd_bed_put_if_absent(m->bed, m->keys[i], value, lease)
                                      : etcd_bed_put(m->bed, m->keys[i], value, lease);
    assert_int_equal(reply->u.etcd_done.status, ok ? ETCD_OK : ETCD_LEASE_NOT_FOUND);
    assert_int_equal(reply->u.etcd_done.revision, m->revision);
    if (if_absent)
        assert_int_equal(reply->u.etcd_done.succeeded, runs && ok);
}

static void step_delete(struct model *m)
{
    uint32_t i = (uint32_t)draw(m, KEYS);
    bool exists = m->now[i].exists;
    if (exists) {
        model_remove(m, i);
        model_seal(m);
    }
    const struct message *reply = etcd_bed_delete(m->bed, m->keys[i]);
    assert_int_equal(reply->u.etcd_done.count, exists);
}

static void step_delete_range(struct model *m)
{
    uint64_t deleted = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        if (m->keys[i].family == KEY_THROTTLING && m->now[i].exists) {
            model_remove(m, i);
            deleted++;
        }
    }
    if (deleted > 0)
        model_seal(m);
    assert_int_equal(etcd_bed_raw_delete(m->bed, "whisk/throttling", "whisk/throttlinh"),
                     deleted);
    check_events(m, m->bed->fx.messages, m->bed->fx.message_count);
}

static void step_lease(struct model *m)
{
    uint32_t i = (uint32_t)draw(m, LEASES), id = LEASE_FIRST + i;
    struct model_lease *lease = &m->leases[i];
    tstamp now = m->bed->now;
    const struct message *reply;
    if (!lease->exists) {
        uint32_t ttl_s = 1 + (uint32_t)draw(m, 5);
        reply = etcd_bed_lease(m->bed, MSG_LEASE_GRANT, id, ttl_s);
        *lease = (struct model_lease){.exists = true, .ttl_s = ttl_s < 2 ? 2 : ttl_s};
        model_extend(m, i, now, 0);
        assert_int_equal(reply->u.lease.ttl_s, lease->ttl_s);
    } else if (draw(m, 3) == 0) {
        model_revoke(m, i);
        reply = etcd_bed_lease(m->bed, MSG_LEASE_REVOKE, id, 0);
        assert_int_equal(reply->u.lease.status, ETCD_OK);
    } else if (now < lease->deadline) {
        model_extend(m, i, now, 0);
        reply = etcd_bed_lease(m->bed, MSG_LEASE_KEEPALIVE, id, 0);
        assert_int_equal(reply->u.lease.ttl_s, lease->ttl_s);
    }
}

static void step_pass(struct model *m)
{
    duration length = draw(m, SEC(3));
    model_pass(m, m->bed->now + length);
    bed_pass(m->bed, length);
}

static void watch_from(struct model *m, uint64_t revision)
{
    const struct key all = {0};
    m->watches++;
    etcd_bed_watch(m->bed, BED_CONTROLLER0, all, 0, (uint16_t)m->watches, (uint32_t)revision);
}

static void step_restart(struct model *m)
{
    uint64_t seen = m->revision;
    bed_crash(m->bed);
    bed_start(m->bed);
    for (uint32_t i = 0; i < LEASES; i++) {
        if (m->leases[i].exists)
            model_extend(m, i, m->bed->now, SEC(1));
    }
    if (draw(m, 2) == 0) /* a change that nobody is told at once */
        step_put(m, false);
    watch_from(m, seen + 1);
}

static void step_past(struct model *m)
{
    uint64_t revision = m->compacted + draw(m, m->revision - m->compacted + 1);
    if (draw(m, 4) == 0 && revision > m->compacted) {
        assert_int_equal(etcd_compact(etcd_of(m->bed), revision), ETCD_ERROR_NONE);
        m->compacted = revision;
    }
    if (revision > 0)
        check_revision(m, revision, m->past[revision]);
}

static void step(struct model *m)
{
    switch (draw(m, 12)) {
    case 0:
    case 1:
    case 2:
        step_put(m, false);
        break;
    case 3:
        step_put(m, true);
        break;
    case 4:
        step_delete(m);
        break;
    case 5:
        step_delete_range(m);
        break;
    case 6:
    case 7:
        step_lease(m);
        break;
    case 8:
        step_restart(m);
        break;
    case 9:
        step_past(m);
        break;
    default: /* a drawn number */
        step_pass(m);
        break;
    }
    check_step(m);
}

static void random_sequences_do_as_the_naive_model(void **state)
{
    (void)state;
    static struct model m;
    for (uint64_t seed = 1; seed <= SEQUENCES; seed++) {
        memset(&m, 0, sizeof m);
        m.seed = seed;
        m.revision = 1;
        m.bed = etcd_bed_new();
        m.bed->draws.seed = seed;
        model_keys(&m);
        watch_from(&m, 0);
        for (uint32_t i = 0; i < STEPS; i++)
            step(&m);
        for (uint64_t revision = m.compacted; revision <= m.revision; revision++) {
            if (revision > 0)
                check_revision(&m, revision, m.past[revision]);
        }
        check_revision(&m, 0, m.now);
        bed_free(m.bed);
    }
}

static uint64_t digest_of(const struct bed *bed)
{
    struct digest d = {0};
    bed->ops->digest(bed->machine, &d);
    return d.state;
}

static void the_digest_sees_every_part_of_the_state(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    const struct key all = {0};
    struct key key = bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0);
    uint64_t seen[6];
    seen[0] = digest_of(bed);
    etcd_bed_lease(bed, MSG_LEASE_GRANT, 501, 10);
    seen[1] = digest_of(bed);
    etcd_bed_put(bed, key, 1, 0);
    seen[2] = digest_of(bed);
    etcd_bed_put(bed, key, 1, 501);
    seen[3] = digest_of(bed);
    etcd_bed_delete(bed, key);
    seen[4] = digest_of(bed);
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    seen[5] = digest_of(bed);
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < i; k++)
            assert_true(seen[i] != seen[k]);
    }
    etcd_bed_range(bed, RANGE_COUNT, all, 0);
    assert_true(digest_of(bed) == seen[5]); /* reading changes nothing */
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sequences_do_as_the_naive_model),
        cmocka_unit_test(the_digest_sees_every_part_of_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
