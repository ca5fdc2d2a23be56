/*
 * records.c - see records.h.
 */
#include "database/records.h"
#include "core/assert.h"
#include "database/database.h"

#define PAGES_FIRST 8u
#define OTHERS_FIRST 64u
#define PAGES_PER_EXPIRY 4u

enum outcome_bits { BITS_NONE, BITS_SUCCESS, BITS_APPLICATION_ERROR, BITS_ASIDE };

static void *durable_grow(const struct machine_env *env, void *block, size_t size)
{
    if (block == NULL)
        return arena_alloc_durable(env->arena, env->node, size);
    return arena_grow(env->arena, env->node, block, size); /* stays durable */
}

/* ---- pages ---- */

static uint32_t page_number(activation_id id)
{
    return ACTIVATION_REQUEST(id) / RECORDS_PAGE;
}

static uint32_t page_lower_bound(const struct records *self, uint32_t number)
{
    uint32_t low = 0, high = self->page_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (self->pages[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct records_page *page_find(const struct records *self, uint32_t number)
{
    uint32_t at = page_lower_bound(self, number);
    bool is_there = at < self->page_count && self->pages[at]->number == number;
    return is_there ? self->pages[at] : NULL;
}

static struct records_page *page_add(struct records *self, const struct machine_env *env,
                                     uint32_t number)
{
    uint32_t at = page_lower_bound(self, number);
    ASSERT(at == self->page_count || self->pages[at]->number > number);
    if (self->page_count == self->page_max) {
        self->page_max = self->page_max == 0 ? PAGES_FIRST : self->page_max * 2;
        self->pages = durable_grow(env, self->pages, self->page_max * sizeof *self->pages);
    }
    struct records_page *page = arena_alloc_durable(env->arena, env->node, sizeof *page);
    page->number = number;
    memmove(&self->pages[at + 1], &self->pages[at],
            (self->page_count - at) * sizeof self->pages[0]);
    self->pages[at] = page;
    self->page_count++;
    return page;
}

static unsigned bits_get(const struct records_page *page, activation_id id)
{
    uint32_t i = ACTIVATION_REQUEST(id) % RECORDS_PAGE;
    return page->bits[i / 32] >> (i % 32 * 2) & 3;
}

static void bits_put(struct records_page *page, activation_id id, unsigned bits)
{
    uint32_t i = ACTIVATION_REQUEST(id) % RECORDS_PAGE;
    ASSERT_OP(bits_get(page, id), ==, BITS_NONE);
    page->bits[i / 32] |= (uint64_t)bits << (i % 32 * 2);
}

static unsigned bits_of(struct record_outcome outcome)
{
    if (outcome.response == RESPONSE_SUCCESS && outcome.error == ERROR_NONE)
        return BITS_SUCCESS;
    if (outcome.response == RESPONSE_APPLICATION_ERROR && outcome.error == ERROR_ACTION_ERROR)
        return BITS_APPLICATION_ERROR;
    return BITS_ASIDE;
}

/* ---- the table aside ---- */

static struct records_other *other_slot(const struct records *self, activation_id id)
{
    uint32_t mask = self->other_max - 1;
    uint32_t i = (uint32_t)draw_mix(id, 0) & mask;
    while (self->others[i].id != 0 && self->others[i].id != id)
        i = (i + 1) & mask;
    return &self->others[i];
}

/* Room for one more; what is too old is left behind when the table is made anew. */
static void others_reserve(struct records *self, const struct machine_env *env, tstamp now)
{
    duration retention = ((const struct database_config *)env->config)->record_retention;
    if ((self->other_count + 1) * 2 <= self->other_max)
        return;
    struct records_other *old = self->others;
    uint32_t old_max = self->other_max, kept = 0;
    for (uint32_t i = 0; i < old_max; i++)
        kept += old[i].id != 0 && now - old[i].at <= retention;
    uint32_t max = OTHERS_FIRST;
    while (max < (kept + 1) * 4)
        max *= 2;
    self->others = arena_alloc_durable(env->arena, env->node, max * sizeof *self->others);
    self->other_max = max;
    self->other_count = kept;
    for (uint32_t i = 0; i < old_max; i++) {
        if (old[i].id != 0 && now - old[i].at <= retention)
            *other_slot(self, old[i].id) = old[i];
    }
    ASSERT_OP(self->other_count * 2, <, self->other_max);
    arena_release(env->arena, old);
}

static const struct records_other *other_find(const struct records *self, activation_id id)
{
    if (self->other_max == 0)
        return NULL;
    const struct records_other *other = other_slot(self, id);
    return other->id == id ? other : NULL;
}

static void other_put(struct records *self, const struct machine_env *env, activation_id id,
                      struct record_outcome outcome, tstamp now)
{
    others_reserve(self, env, now);
    struct records_other *other = other_slot(self, id);
    self->other_count += other->id == 0; /* else: one whose page is long gone */
    ASSERT_OP(self->other_count, <, self->other_max);
    *other = (struct records_other){
        .id = id, .response = outcome.response, .error = outcome.error, .at = now};
}

/* ---- what is asked ---- */

/* Only first attempts have bits of their own. */
static bool has_bits(activation_id id)
{
    return (id & 3) == 0;
}

bool records_get(const struct records *self, activation_id id,
                 struct record_outcome *ret_outcome)
{
    const struct records_page *page = page_find(self, page_number(id));
    unsigned bits = page != NULL && has_bits(id) ? bits_get(page, id) : BITS_ASIDE;
    *ret_outcome = (struct record_outcome){.response = RESPONSE_SUCCESS, .error = ERROR_NONE};
    if (page == NULL && has_bits(id))
        return false;
    if (bits == BITS_APPLICATION_ERROR)
        *ret_outcome = (struct record_outcome){.response = RESPONSE_APPLICATION_ERROR,
                                               .error = ERROR_ACTION_ERROR};
    if (bits != BITS_ASIDE)
        return bits != BITS_NONE;
    const struct records_other *other = other_find(self, id);
    if (other == NULL)
        return false;
    *ret_outcome = (struct record_outcome){.response = other->response, .error = other->error};
    return true;
}

bool records_put(struct records *self, const struct machine_env *env, activation_id id,
                 struct record_outcome outcome, tstamp now)
{
    struct record_outcome former;
    if (records_get(self, id, &former))
        return false;
    unsigned bits = has_bits(id) ? bits_of(outcome) : BITS_ASIDE;
    struct digest d = {self->digest};
    if (has_bits(id)) {
        struct records_page *page = page_find(self, page_number(id));
        if (page == NULL)
            page = page_add(self, env, page_number(id));
        page->last_at = now;
        bits_put(page, id, bits);
    }
    if (bits == BITS_ASIDE)
        other_put(self, env, id, outcome, now);
    digest_two(&d, id, (uint64_t)outcome.response << 8 | outcome.error);
    self->digest = d.state;
    self->written++;
    return true;
}

void records_expire(struct records *self, const struct machine_env *env, tstamp now)
{
    duration retention = ((const struct database_config *)env->config)->record_retention;
    for (uint32_t i = 0; i < PAGES_PER_EXPIRY && self->page_count > 0; i++) {
        if (self->page_cursor >= self->page_count)
            self->page_cursor = 0;
        struct records_page *page = self->pages[self->page_cursor];
        if (now - page->last_at <= retention) {
            self->page_cursor++;
            continue;
        }
        self->page_count--;
        memmove(&self->pages[self->page_cursor], &self->pages[self->page_cursor + 1],
                (self->page_count - self->page_cursor) * sizeof self->pages[0]);
        arena_release(env->arena, page);
    }
}
