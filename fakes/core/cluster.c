/*
 * cluster.c - names and run times of what never changes during a run.
 */
#include "core/cluster.h"
#include "core/assert.h"
#include <stdio.h>

NAMES_DEFINE(node_kind, NODE_KIND_LIST)
NAMES_DEFINE(behaviour, BEHAVIOUR_LIST)
NAMES_DEFINE(bug, BUG_LIST)
NAMES_DEFINE(timing, TIMING_LIST)

/* An identity function, and a limit object with the least memory (MemoryLimit's minimum). */
#define SYSTEM_ACTION_MEMORY_MB 128u
#define SYSTEM_ACTION_RUN MSEC(5)
#define SYSTEM_ACTION_TIMEOUT MINUTES(1)
#define ID_TEXT_SEED UINT64_C(0x6f70656e77686973)

#define BUG_DEFAULTS(id, text, ...) {__VA_ARGS__},
enum bug_value cluster_bug(const struct cluster *c, enum bug bug, enum behaviour behaviour)
{
    static const uint8_t defaults[BUG_COUNT][BEHAVIOUR_COUNT] = {BUG_LIST(BUG_DEFAULTS)};
    ASSERT_OP(c->bugs[bug], <, BUG_VALUE_COUNT);
    uint8_t named = c->bugs[bug];
    return named == BUG_BY_BEHAVIOUR ? defaults[bug][behaviour] : named;
}

const struct labels *cluster_labels(const struct cluster *c, uint32_t labels)
{
    static const struct labels nothing;
    return labels < c->label_count ? &c->labels[labels] : &nothing;
}

bool labels_serve(const struct labels *labels, namespace_id ns)
{
    ASSERT_OP(labels->dedicated_count, <=, DEDICATED_MAX);
    for (uint32_t i = 0; i < labels->dedicated_count; i++) {
        if (labels->dedicated[i] == ns)
            return true;
    }
    return labels->dedicated_count == 0;
}

const char *cluster_node_name(const struct cluster *c, node_id node)
{
    if (node == NODE_HOST)
        return "host";
    return node < c->node_count ? c->nodes[node].name : "none";
}

const char *cluster_action_name(const struct cluster *c, action_id action)
{
    if (action == ACTION_HEALTH_TEST)
        return "whisk.system/invokerHealthTestAction0";
    if (action == ACTION_WARM_UP)
        return "whisk.system/warmUp";
    return action < c->action_count ? c->actions[action].name : "none";
}

const char *cluster_namespace_name(const struct cluster *c, namespace_id ns)
{
    if (ns == NAMESPACE_SYSTEM)
        return "whisk.system";
    return ns < c->namespace_count ? c->namespaces[ns].name : "none";
}

enum action_kind cluster_action_kind(const struct cluster *c, action_id action)
{
    return action < c->action_count ? (enum action_kind)c->actions[action].kind : ACTION_CODE;
}

const struct action_info *cluster_action(const struct cluster *c, action_id action)
{
    static const struct action_info none = {.memory_mb = 0};
    return action < c->action_count ? &c->actions[action] : &none;
}

uint32_t cluster_action_memory(const struct cluster *c, action_id action)
{
    return action < c->action_count ? c->actions[action].memory_mb : SYSTEM_ACTION_MEMORY_MB;
}

duration cluster_action_timeout(const struct cluster *c, action_id action)
{
    return action < c->action_count ? c->actions[action].timeout : SYSTEM_ACTION_TIMEOUT;
}

/* The recorded call of this request, or NULL: the load draws its run time. */
static const struct trace_call *cluster_call(const struct cluster *c, activation_id activation)
{
    uint32_t request = ACTIVATION_REQUEST(activation), low = 0, high = c->call_count;
    if ((activation & ACTIVATION_SYSTEM) != 0)
        return NULL;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->call_requests[middle] < request)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->call_count && c->call_requests[low] == request ? &c->calls[low] : NULL;
}

/* Linear between the points at 0, 1, 25, 50, 75, 99 and 100 %. */
static duration cluster_percentile(const struct action_info *info, uint64_t ppm)
{
    static const uint64_t marks[7] = {0, 10000, 250000, 500000, 750000, 990000, 1000000};
    unsigned i = 0;
    while (i < 5 && ppm >= marks[i + 1])
        i++;
    uint64_t low = info->run_points[i], high = info->run_points[i + 1];
    ASSERT_OP(low, <=, high);
    unsigned __int128 part = (unsigned __int128)(high - low) * (ppm - marks[i]);
    return low + (uint64_t)(part / (marks[i + 1] - marks[i]));
}

duration cluster_run_time(const struct cluster *c, const struct draws *draws, action_id action,
                          activation_id activation)
{
    if (action >= c->action_count)
        return SYSTEM_ACTION_RUN;
    const struct action_info *info = &c->actions[action];
    const struct trace_call *call = c->call_count == 0 ? NULL : cluster_call(c, activation);
    if (call != NULL && call->run != 0)
        return call->run;
    uint64_t length;
    if ((draws->override_purposes >> PURPOSE_RUN_TIME & 1) != 0 &&
        draw_overridden(draws, PURPOSE_RUN_TIME, activation, 0, &length))
        return length;
    if (info->run_kind == RUN_LOGNORMAL)
        return draw_lognormal(draws, PURPOSE_RUN_TIME, activation, 0, info->run_a, info->run_b);
    if (info->run_kind == RUN_PERCENTILES) {
        uint64_t ppm = draw_below(draws, PURPOSE_RUN_TIME, activation, 0, 1000001);
        return cluster_percentile(info, ppm);
    }
    ASSERT_OP(info->run_kind, ==, RUN_FIXED);
    return info->run_a;
}

bool cluster_run_fails(const struct cluster *c, const struct draws *draws, action_id action,
                       activation_id activation)
{
    return action < c->action_count &&
           draw_chance(draws, PURPOSE_RUN_FAILS, activation, 0, c->actions[action].fails);
}

bool cluster_action_fault(const struct cluster *c, const struct draws *draws, action_id action,
                          enum action_fault fault, uint32_t entity, uint32_t ordinal)
{
    return action < c->action_count && draw_chance(draws, PURPOSE_ACTION_FAULT, entity,
                                                   (uint64_t)ordinal << 8 | (uint64_t)fault,
                                                   c->actions[action].faults[fault]);
}

/*
 * 128 bits that look drawn and can be read back: the high half is mixed from the id, the low
 * one hides the id in its last 32 bits.
 */
static void cluster_id_text(uint64_t entity, uint32_t id, char ret_text[33])
{
    uint64_t high = draw_mix(entity, id);
    uint64_t low = draw_mix(high, entity) ^ id;
    snprintf(ret_text, 33, "%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
}

static bool hex_half(const char *text, uint64_t *ret_half)
{
    *ret_half = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9)
            digit = text[i] >= 'a' && text[i] <= 'f' ? (unsigned)text[i] - 'a' + 10 : 16;
        if (digit > 15)
            return false;
        *ret_half = *ret_half << 4 | digit;
    }
    return true;
}

static bool cluster_id_read(uint64_t entity, const char *text, size_t length, uint32_t *ret_id)
{
    uint64_t high, low;
    if (length != 32 || !hex_half(text, &high) || !hex_half(text + 16, &low))
        return false;
    uint64_t id = low ^ draw_mix(high, entity);
    *ret_id = (uint32_t)id;
    return id <= UINT32_MAX && draw_mix(entity, id) == high;
}

void cluster_activation_text(const struct draws *draws, activation_id id, char ret_text[33])
{
    cluster_id_text(draw_mix(draws->seed, PURPOSE_ACTIVATION_TEXT), id, ret_text);
}

bool cluster_activation_read(const struct draws *draws, const char *text, size_t length,
                             activation_id *ret_id)
{
    return cluster_id_read(draw_mix(draws->seed, PURPOSE_ACTIVATION_TEXT), text, length,
                           ret_id);
}

/* Not keyed by the seed: the text is part of etcd keys, whose order key.c knows without one. */
void cluster_creation_text(const struct draws *draws, uint32_t creation, char ret_text[33])
{
    (void)draws;
    cluster_id_text(ID_TEXT_SEED, creation, ret_text);
}

bool cluster_creation_read(const char *text, size_t length, uint32_t *ret_creation)
{
    return cluster_id_read(ID_TEXT_SEED, text, length, ret_creation);
}

static bool is_text(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

action_id cluster_find_action(const struct cluster *c, const char *text, size_t length)
{
    for (uint32_t i = 0; length > 0 && i < c->action_count; i++)
        if (c->actions[i].kind != ACTION_TRIGGER && is_text(c->actions[i].name, text, length))
            return (action_id)i;
    return ACTION_NONE;
}

namespace_id cluster_find_namespace(const struct cluster *c, const char *text, size_t length)
{
    for (uint32_t i = 0; length > 0 && i < c->namespace_count; i++)
        if (is_text(c->namespaces[i].name, text, length))
            return (namespace_id)i;
    return NAMESPACE_NONE;
}

node_id cluster_find_node(const struct cluster *c, const char *text, size_t length)
{
    for (uint32_t i = 0; length > 0 && i < c->node_count; i++)
        if (is_text(c->nodes[i].name, text, length))
            return (node_id)i;
    return NODE_NONE;
}

/* Two keys of the form of upstream's guest key, mixed from the namespace's name. */
void cluster_credentials(const struct cluster *c, namespace_id ns, char ret_user[37],
                         char ret_password[65])
{
    static const char digits[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *name = cluster_namespace_name(c, ns);
    uint64_t state = ID_TEXT_SEED;
    for (size_t i = 0; name[i] != '\0'; i++)
        state = draw_mix(state, (unsigned char)name[i]);
    uint64_t high = draw_mix(state, 1), low = draw_mix(state, 2);
    snprintf(ret_user, 37, "%08llx-%04llx-4%03llx-8%03llx-%012llx",
             (unsigned long long)(high >> 32), (unsigned long long)(high >> 16 & 0xffff),
             (unsigned long long)(high & 0xfff), (unsigned long long)(low >> 48 & 0xfff),
             (unsigned long long)(low & 0xffffffffffff));
    for (unsigned i = 0; i < 64; i++)
        ret_password[i] = digits[draw_mix(state, 3 + i) % (sizeof digits - 1)];
    ret_password[64] = '\0';
}
