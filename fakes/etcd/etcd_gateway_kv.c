/*
 * etcd_gateway_kv.c - ranges, puts, deletions, transactions, compaction.
 */
#include "core/assert.h"
#include "etcd/etcd_gateway_internal.h"

static struct etcd_span span_of(struct etcd_text key, struct etcd_text end)
{
    return (struct etcd_span){key, end};
}

static uint64_t number_of(int64_t number) /* 0 stands for all that is not above it */
{
    return number < 0 ? 0 : (uint64_t)number;
}

static struct etcd_range range_of(const struct gateway_range *m)
{
    struct etcd_range range = {
        .span = span_of(m->key, m->range_end),
        .revision = number_of(m->revision),
        .limit = m->limit,
        .count_only = m->count_only,
        .mod_least = number_of(m->min_mod_revision),
        .mod_most = number_of(m->max_mod_revision),
        .create_least = number_of(m->min_create_revision),
        .create_most = number_of(m->max_create_revision),
    };
    if (m->sort_order == ETCD_SORT_UP || m->sort_order == ETCD_SORT_DOWN)
        range.sort = (uint8_t)m->sort_order;
    if (m->sort_target > ETCD_BY_KEY && m->sort_target <= ETCD_BY_VALUE)
        range.sort_by = (uint8_t)m->sort_target;
    return range;
}

static struct etcd_put put_of(const struct gateway_put *m)
{
    static const char none[1] = "";
    struct etcd_text key = m->key.bytes == NULL ? (struct etcd_text){none, 0} : m->key;
    return (struct etcd_put){
        .name = {.key = {.family = KEY_RAW}, .text = key},
        .data = {.value = {.kind = VALUE_RAW}, .raw = m->value},
        .lease = (uint64_t)m->lease,
        .prev_kv = m->prev_kv,
        .ignore_value = m->ignore_value,
        .ignore_lease = m->ignore_lease,
        .has_value = m->value.length > 0,
    };
}

static struct etcd_delete delete_of(const struct gateway_delete *m)
{
    return (struct etcd_delete){.span = span_of(m->key, m->range_end), .prev_kv = m->prev_kv};
}

static void print_range(struct gateway_context *c, const struct gateway_range *m,
                        const struct etcd_listing *list)
{
    gateway_print_kvs(&c->out, c->etcd, "kvs", list, m->keys_only);
    gateway_out_bool(&c->out, "more", list->more);
    gateway_out_number(&c->out, "count", list->count);
}

static void print_put(struct gateway_context *c, const struct etcd_answer *answer)
{
    if (answer->prev != NULL)
        gateway_print_kv(&c->out, c->etcd, "prev_kv", answer->prev, false);
}

static void print_deleted(struct gateway_context *c, const struct etcd_answer *answer)
{
    gateway_out_number(&c->out, "deleted", answer->deleted);
    gateway_print_kvs(&c->out, c->etcd, "prev_kvs", &answer->list, false);
}

static void begin(struct gateway_context *c)
{
    gateway_out_open(&c->out, NULL, '{');
    gateway_print_header(&c->out, c->etcd, c->etcd->store.revision);
}

static bool end(struct gateway_context *c)
{
    gateway_out_close(&c->out, '}');
    return true;
}

bool gateway_on_range(struct gateway_context *c, const void *message)
{
    const struct gateway_range *m = message;
    struct etcd_range range = range_of(m);
    struct etcd_listing list;
    enum etcd_error error = etcd_range(c->etcd, &range, &list);
    if (error != ETCD_ERROR_NONE)
        return gateway_refuse(c, error);
    begin(c);
    print_range(c, m, &list);
    etcd_listing_free(&list, c->etcd->env);
    return end(c);
}

bool gateway_on_put(struct gateway_context *c, const void *message)
{
    struct etcd_put put = put_of(message);
    struct etcd_answer answer;
    enum etcd_error error = etcd_put(c->etcd, c->fx, &put, &answer);
    if (error != ETCD_ERROR_NONE)
        return gateway_refuse(c, error);
    begin(c);
    print_put(c, &answer);
    return end(c);
}

bool gateway_on_delete(struct gateway_context *c, const void *message)
{
    struct etcd_delete request = delete_of(message);
    struct etcd_answer answer;
    enum etcd_error error = etcd_delete(c->etcd, c->fx, &request, &answer);
    if (error != ETCD_ERROR_NONE)
        return gateway_refuse(c, error);
    begin(c);
    print_deleted(c, &answer);
    etcd_listing_free(&answer.list, c->etcd->env);
    return end(c);
}

/* A target without its own field compares with that field's default. */
static bool compare_of(const struct gateway_compare *m, struct etcd_compare *ret_compare)
{
    int64_t number = 0;
    if (m->result < ETCD_EQUAL || m->result > ETCD_NOT_EQUAL)
        return false;
    switch (m->target) { /* a number from outside, not an enum */
    case ETCD_VERSION:
        number = m->version;
        break;
    case ETCD_CREATE:
        number = m->create_revision;
        break;
    case ETCD_MOD:
        number = m->mod_revision;
        break;
    case ETCD_LEASE:
        number = m->lease;
        break;
    default:
        break;
    }
    *ret_compare = (struct etcd_compare){.span = span_of(m->key, m->range_end),
                                         .target = (uint8_t)m->target,
                                         .relation = (uint8_t)m->result,
                                         .number = number,
                                         .value = m->value};
    return m->target >= ETCD_VERSION && m->target <= ETCD_LEASE;
}

static struct etcd_op op_of(const struct gateway_op *m)
{
    if (m->range != NULL)
        return (struct etcd_op){.kind = ETCD_OP_RANGE, .range = range_of(m->range)};
    if (m->put != NULL)
        return (struct etcd_op){.kind = ETCD_OP_PUT, .put = put_of(m->put)};
    if (m->delete != NULL)
        return (struct etcd_op){.kind = ETCD_OP_DELETE, .delete = delete_of(m->delete)};
    return (struct etcd_op){.kind = ETCD_OP_NONE};
}

static struct etcd_branch branch_of(struct gateway_context *c, const struct gateway_list *list)
{
    const struct gateway_op *m = list->items;
    struct etcd_op *ops = gateway_alloc(&c->memory, list->count * sizeof *ops);
    for (uint32_t i = 0; i < list->count; i++)
        ops[i] = op_of(&m[i]);
    return (struct etcd_branch){ops, list->count};
}

static void print_answer(struct gateway_context *c, const struct gateway_op *m,
                         const struct etcd_answer *answer)
{
    static const char *const names[] = {[ETCD_OP_RANGE] = "response_range",
                                        [ETCD_OP_PUT] = "response_put",
                                        [ETCD_OP_DELETE] = "response_delete_range"};
    ASSERT_OP(answer->kind, <, ETCD_OP_NONE);
    gateway_out_open(&c->out, NULL, '{');
    gateway_out_open(&c->out, names[answer->kind], '{');
    gateway_out_open(&c->out, "header", '{');
    gateway_out_number(&c->out, "revision", answer->revision);
    gateway_out_close(&c->out, '}');
    switch (answer->kind) {
    case ETCD_OP_RANGE:
        print_range(c, m->range, &answer->list);
        break;
    case ETCD_OP_PUT:
        print_put(c, answer);
        break;
    case ETCD_OP_DELETE:
        print_deleted(c, answer);
        break;
    case ETCD_OP_NONE:
        break;
    }
    gateway_out_close(&c->out, '}');
    gateway_out_close(&c->out, '}');
}

static bool print_txn(struct gateway_context *c, const struct gateway_list *list,
                      bool succeeded, struct etcd_answer *answers)
{
    const struct gateway_op *m = list->items;
    begin(c);
    gateway_out_bool(&c->out, "succeeded", succeeded);
    if (list->count > 0)
        gateway_out_open(&c->out, "responses", '[');
    for (uint32_t i = 0; i < list->count; i++) {
        print_answer(c, &m[i], &answers[i]);
        etcd_listing_free(&answers[i].list, c->etcd->env);
    }
    if (list->count > 0)
        gateway_out_close(&c->out, ']');
    return end(c);
}

static bool is_nested(const struct gateway_list *list)
{
    const struct gateway_op *m = list->items;
    for (uint32_t i = 0; i < list->count; i++) {
        if (m[i].txn != NULL)
            return true;
    }
    return false;
}

bool gateway_on_txn(struct gateway_context *c, const void *message)
{
    const struct gateway_txn *m = message;
    const struct gateway_compare *compare = m->compare.items;
    if (is_nested(&m->success) || is_nested(&m->failure)) {
        c->error.code = CODE_UNIMPLEMENTED;
        return GATEWAY_FAIL(&c->error, "transactions inside of transactions are not served");
    }
    struct etcd_txn txn = {.compare_count = m->compare.count};
    struct etcd_compare *compares =
        gateway_alloc(&c->memory, m->compare.count * sizeof *compares);
    for (uint32_t i = 0; i < m->compare.count; i++) {
        if (!compare_of(&compare[i], &compares[i])) {
            c->error.code = CODE_UNIMPLEMENTED;
            return GATEWAY_FAIL(&c->error, "unknown target or result of a compare");
        }
    }
    txn.compares = compares;
    txn.success = branch_of(c, &m->success);
    txn.failure = branch_of(c, &m->failure);
    uint32_t longer =
        txn.success.count > txn.failure.count ? txn.success.count : txn.failure.count;
    struct etcd_answer *answers = gateway_alloc(&c->memory, longer * sizeof *answers);
    bool succeeded = false;
    enum etcd_error error = etcd_txn(c->etcd, c->fx, &txn, &succeeded, answers);
    if (error != ETCD_ERROR_NONE)
        return gateway_refuse(c, error);
    return print_txn(c, succeeded ? &m->success : &m->failure, succeeded, answers);
}

bool gateway_on_compaction(struct gateway_context *c, const void *message)
{
    const struct gateway_compaction *m = message;
    enum etcd_error error = etcd_compact(c->etcd, number_of(m->revision));
    if (error != ETCD_ERROR_NONE)
        return gateway_refuse(c, error);
    begin(c);
    return end(c);
}
