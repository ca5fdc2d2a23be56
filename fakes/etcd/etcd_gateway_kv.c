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

static bool txn_of(struct gateway_context *c, const struct gateway_txn *m,
                   struct etcd_txn *ret_txn);

static bool op_of(struct gateway_context *c, const struct gateway_op *m, struct etcd_op *ret_op)
{
    *ret_op = (struct etcd_op){.kind = ETCD_OP_NONE};
    if (m->range != NULL)
        *ret_op = (struct etcd_op){.kind = ETCD_OP_RANGE, .range = range_of(m->range)};
    else if (m->put != NULL)
        *ret_op = (struct etcd_op){.kind = ETCD_OP_PUT, .put = put_of(m->put)};
    else if (m->delete != NULL)
        *ret_op = (struct etcd_op){.kind = ETCD_OP_DELETE, .delete = delete_of(m->delete)};
    if (ret_op->kind != ETCD_OP_NONE || m->txn == NULL)
        return true;
    ret_op->kind = ETCD_OP_TXN;
    ret_op->txn = gateway_alloc(&c->memory, sizeof *ret_op->txn);
    return txn_of(c, m->txn, ret_op->txn);
}

static bool branch_of(struct gateway_context *c, const struct gateway_list *list,
                      struct etcd_branch *ret_branch)
{
    const struct gateway_op *m = list->items;
    struct etcd_op *ops = gateway_alloc(&c->memory, list->count * sizeof *ops);
    *ret_branch = (struct etcd_branch){ops, list->count};
    for (uint32_t i = 0; i < list->count; i++) {
        if (!op_of(c, &m[i], &ops[i]))
            return false;
    }
    return true;
}

static bool txn_of(struct gateway_context *c, const struct gateway_txn *m,
                   struct etcd_txn *ret_txn)
{
    const struct gateway_compare *compare = m->compare.items;
    uint32_t count = m->compare.count;
    uint32_t longer = m->success.count > m->failure.count ? m->success.count : m->failure.count;
    struct etcd_compare *compares = gateway_alloc(&c->memory, count * sizeof *compares);
    for (uint32_t i = 0; i < count; i++) {
        if (!compare_of(&compare[i], &compares[i])) {
            c->error.code = CODE_UNIMPLEMENTED;
            return GATEWAY_FAIL(&c->error, "unknown target or result of a compare");
        }
    }
    *ret_txn = (struct etcd_txn){.compares = compares, .compare_count = count};
    ret_txn->answers = gateway_alloc(&c->memory, longer * sizeof ret_txn->answers[0]);
    return branch_of(c, &m->success, &ret_txn->success) &&
           branch_of(c, &m->failure, &ret_txn->failure);
}

static void print_outcome(struct gateway_context *c, const struct gateway_txn *m,
                          const struct etcd_txn *txn);

static void print_answer(struct gateway_context *c, const struct gateway_op *m,
                         const struct etcd_op *op, struct etcd_answer *answer)
{
    static const char *const names[] = {[ETCD_OP_RANGE] = "response_range",
                                        [ETCD_OP_PUT] = "response_put",
                                        [ETCD_OP_DELETE] = "response_delete_range",
                                        [ETCD_OP_TXN] = "response_txn"};
    ASSERT_OP(answer->kind, <, ETCD_OP_NONE);
    gateway_out_open(&c->out, NULL, '{');
    gateway_out_open(&c->out, names[answer->kind], '{');
    gateway_out_open(&c->out, "header", '{');
    if (answer->kind != ETCD_OP_TXN)
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
    case ETCD_OP_TXN:
        print_outcome(c, m->txn, op->txn);
        break;
    case ETCD_OP_NONE:
        break;
    }
    gateway_out_close(&c->out, '}');
    gateway_out_close(&c->out, '}');
    etcd_listing_free(&answer->list, c->etcd->env);
}

static void print_outcome(struct gateway_context *c, const struct gateway_txn *m,
                          const struct etcd_txn *txn)
{
    const struct gateway_list *list = txn->succeeded ? &m->success : &m->failure;
    const struct etcd_branch *branch = txn->succeeded ? &txn->success : &txn->failure;
    const struct gateway_op *ops = list->items;
    gateway_out_bool(&c->out, "succeeded", txn->succeeded);
    if (list->count == 0)
        return;
    gateway_out_open(&c->out, "responses", '[');
    for (uint32_t i = 0; i < list->count; i++)
        print_answer(c, &ops[i], &branch->ops[i], &txn->answers[i]);
    gateway_out_close(&c->out, ']');
}

bool gateway_on_txn(struct gateway_context *c, const void *message)
{
    const struct gateway_txn *m = message;
    struct etcd_txn txn;
    if (!txn_of(c, m, &txn))
        return false;
    enum etcd_error error = etcd_txn(c->etcd, c->fx, &txn, &txn.succeeded, txn.answers);
    if (error != ETCD_ERROR_NONE)
        return gateway_refuse(c, error);
    begin(c);
    print_outcome(c, m, &txn);
    return end(c);
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
