/*
 * etcd_txn.c - see etcd_txn.h; leases are in etcd_grant.c.
 */
#include "etcd/etcd_txn.h"

static enum etcd_error range_check(const struct etcd *self, const struct etcd_range *request)
{
    if (request->span.from.length == 0)
        return ETCD_ERROR_NO_KEY;
    return etcd_store_check(&self->store, request->revision);
}

static void range_now(struct etcd *self, const struct etcd_range *request, uint64_t limit,
                      struct etcd_listing *list)
{
    list->count = etcd_store_count(&self->store, &request->span);
    if (request->count_only)
        return;
    struct etcd_cursor cursor = etcd_store_range(&self->store, &request->span);
    const struct etcd_version *version;
    while (list->length < limit && (version = etcd_cursor_next(&cursor)) != NULL)
        etcd_listing_add(list, self->env, version);
}

static bool range_chooses(const struct etcd_range *request)
{
    return (request->mod_least | request->mod_most | request->create_least |
            request->create_most) != 0;
}

/* Leave out what is not asked for; the count stays. */
static void range_choose(const struct etcd_range *request, struct etcd_listing *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->length; i++) {
        const struct etcd_version *version = list->versions[i];
        if (version->revision < request->mod_least ||
            (request->mod_most != 0 && version->revision > request->mod_most) ||
            version->create_revision < request->create_least ||
            (request->create_most != 0 && version->create_revision > request->create_most))
            continue;
        list->versions[kept++] = version;
    }
    list->length = kept;
}

/* A target without an order sorts upwards, but only those that the limit lets in, and one
 * more (apply.go, Range). */
static void range_run(struct etcd *self, const struct etcd_range *request,
                      struct etcd_listing *list)
{
    *list = (struct etcd_listing){0};
    if (etcd_span_is_empty(&request->span))
        return;
    uint64_t limit = request->limit <= 0 ? UINT32_MAX : (uint64_t)request->limit;
    bool needs_all = range_chooses(request) || request->sort != ETCD_SORT_NONE;
    uint64_t fetched = needs_all ? UINT32_MAX : limit + 1;
    if (request->revision == 0)
        range_now(self, request, fetched, list);
    else
        etcd_store_past(&self->store, &request->span, request->revision, list);
    if (list->length > fetched)
        list->length = (uint32_t)fetched;
    if (range_chooses(request))
        range_choose(request, list);
    if (request->sort != ETCD_SORT_NONE || request->sort_by != ETCD_BY_KEY)
        etcd_listing_sort(list, &self->store, request->sort_by,
                          request->sort == ETCD_SORT_DOWN);
    if (request->count_only)
        list->length = 0;
    list->more = list->length > limit;
    if (list->more)
        list->length = (uint32_t)limit;
}

enum etcd_error etcd_range(struct etcd *self, const struct etcd_range *request,
                           struct etcd_listing *ret_list)
{
    enum etcd_error error = range_check(self, request);
    if (error == ETCD_ERROR_NONE)
        range_run(self, request, ret_list);
    return error;
}

/* What the front door refuses before anything is looked up (v3rpc/key.go). */
static enum etcd_error put_shape(const struct etcd_put *request)
{
    const struct etcd_name *name = &request->name;
    bool is_text = name->text.bytes != NULL || name->key.family == KEY_RAW;
    if (is_text && name->text.length == 0)
        return ETCD_ERROR_NO_KEY;
    if (request->ignore_value && request->has_value)
        return ETCD_ERROR_VALUE_PROVIDED;
    if (request->ignore_lease && request->lease != 0)
        return ETCD_ERROR_LEASE_PROVIDED;
    return ETCD_ERROR_NONE;
}

static enum etcd_error put_check_lease(const struct etcd *self, const struct etcd_put *request)
{
    bool is_known =
        request->lease == 0 || etcd_lease_find(&self->leases, request->lease) != NULL;
    return is_known ? ETCD_ERROR_NONE : ETCD_ERROR_LEASE_NOT_FOUND;
}

static enum etcd_error put_check_key(struct etcd *self, const struct etcd_put *request)
{
    bool needs_key = request->ignore_value || request->ignore_lease;
    return needs_key && etcd_store_get(&self->store, &request->name) == NULL
               ? ETCD_ERROR_KEY_NOT_FOUND
               : ETCD_ERROR_NONE;
}

static void put_run(struct etcd *self, const struct etcd_put *request,
                    struct etcd_answer *answer)
{
    struct etcd_data data = request->data;
    uint64_t lease = request->lease;
    const struct etcd_version *before = etcd_store_get(&self->store, &request->name);
    if (request->ignore_value) {
        ASSERT(before != NULL);
        data.value = before->value;
        data.raw = (struct etcd_text){before->raw, before->raw_length};
    }
    if (request->ignore_lease) {
        ASSERT(before != NULL);
        lease = before->lease;
    }
    answer->prev = request->prev_kv ? before : NULL;
    etcd_write_put(self, &request->name, &data, lease);
}

enum etcd_error etcd_put(struct etcd *self, struct effects *fx, const struct etcd_put *request,
                         struct etcd_answer *ret_answer)
{
    enum etcd_error error = put_shape(request);
    if (error == ETCD_ERROR_NONE) /* in this order; in a transaction in the other */
        error = put_check_lease(self, request);
    if (error == ETCD_ERROR_NONE)
        error = put_check_key(self, request);
    if (error != ETCD_ERROR_NONE)
        return error;
    *ret_answer = (struct etcd_answer){.kind = ETCD_OP_PUT};
    etcd_store_begin(&self->store);
    put_run(self, request, ret_answer);
    etcd_write_end(self, fx, false);
    return ETCD_ERROR_NONE;
}

static void delete_run(struct etcd *self, const struct etcd_delete *request,
                       struct etcd_answer *answer)
{
    if (etcd_span_is_empty(&request->span))
        return;
    struct etcd_listing *list = &answer->list;
    struct etcd_cursor cursor = etcd_store_range(&self->store, &request->span);
    const struct etcd_version *version;
    while ((version = etcd_cursor_next(&cursor)) != NULL)
        etcd_listing_add(list, self->env, version);
    for (uint32_t i = 0; i < list->length; i++)
        etcd_write_delete(self, list->versions[i]->entry);
    answer->deleted = list->count = list->length;
    if (!request->prev_kv)
        etcd_listing_free(list, self->env);
}

enum etcd_error etcd_delete(struct etcd *self, struct effects *fx,
                            const struct etcd_delete *request, struct etcd_answer *ret_answer)
{
    if (request->span.from.length == 0)
        return ETCD_ERROR_NO_KEY;
    *ret_answer = (struct etcd_answer){.kind = ETCD_OP_DELETE};
    etcd_store_begin(&self->store);
    delete_run(self, request, ret_answer);
    etcd_write_end(self, fx, false);
    return ETCD_ERROR_NONE;
}

static bool relation_holds(enum etcd_relation relation, int order)
{
    switch (relation) {
    case ETCD_EQUAL:
        return order == 0;
    case ETCD_GREATER:
        return order > 0;
    case ETCD_LESS:
        return order < 0;
    case ETCD_NOT_EQUAL:
        return order != 0;
    }
    return false;
}

/* version NULL: a missing key, all numbers 0; no value of it equals or differs from any. */
static bool compare_one(const struct etcd *self, const struct etcd_compare *compare,
                        const struct etcd_version *version)
{
    char text[ETCD_TEXT_MAX];
    uint64_t number = 0; /* never above INT64_MAX, but ids of leases: signed upstream */
    if (version == NULL && compare->target == ETCD_VALUE)
        return false;
    switch ((enum etcd_target)compare->target) {
    case ETCD_VALUE:
        return relation_holds(
            compare->relation,
            etcd_text_compare(etcd_version_value(&self->store, version, text), compare->value));
    case ETCD_VERSION:
        number = version == NULL ? 0 : version->version;
        break;
    case ETCD_CREATE:
        number = version == NULL ? 0 : version->create_revision;
        break;
    case ETCD_MOD:
        number = version == NULL ? 0 : version->revision;
        break;
    case ETCD_LEASE:
        number = version == NULL ? 0 : version->lease;
        break;
    }
    int64_t have = (int64_t)number;
    int order = have < compare->number ? -1 : have > compare->number;
    return relation_holds(compare->relation, order);
}

static bool compare_holds(const struct etcd *self, const struct etcd_compare *compare)
{
    struct etcd_cursor cursor = etcd_store_range(&self->store, &compare->span);
    const struct etcd_version *version = etcd_cursor_next(&cursor);
    if (version == NULL) /* apply.go: an empty range compares as one missing key */
        return compare_one(self, compare, NULL);
    for (; version != NULL; version = etcd_cursor_next(&cursor)) {
        if (!compare_one(self, compare, version))
            return false;
    }
    return true;
}

static struct etcd_text put_text(const struct etcd *self, const struct etcd_put *put,
                                 char text[ETCD_TEXT_MAX])
{
    return etcd_name_text(&self->store, &put->name, text);
}

static bool is_same(struct etcd_text a, struct etcd_text b)
{
    return etcd_text_compare(a, b) == 0;
}

/* Puts of this key before `end`, or inside of a transaction before it; branches that exclude
 * each other count both. */
static bool branch_puts(const struct etcd *self, const struct etcd_branch *branch, uint32_t end,
                        struct etcd_text text)
{
    char other[ETCD_TEXT_MAX];
    for (uint32_t i = 0; i < end; i++) {
        const struct etcd_op *op = &branch->ops[i];
        if (op->kind == ETCD_OP_PUT && is_same(put_text(self, &op->put, other), text))
            return true;
        if (op->kind == ETCD_OP_TXN &&
            (branch_puts(self, &op->txn->success, op->txn->success.count, text) ||
             branch_puts(self, &op->txn->failure, op->txn->failure.count, text)))
            return true;
    }
    return false;
}

/* Deletions over this key: of the branch itself, and of transactions before `end`. */
static bool branch_deletes(const struct etcd_branch *branch, uint32_t end,
                           struct etcd_text text)
{
    for (uint32_t i = 0; i < branch->count; i++) {
        const struct etcd_op *op = &branch->ops[i];
        if (op->kind == ETCD_OP_DELETE && etcd_span_has(&op->delete.span, text))
            return true;
        if (op->kind == ETCD_OP_TXN && i < end &&
            (branch_deletes(&op->txn->success, op->txn->success.count, text) ||
             branch_deletes(&op->txn->failure, op->txn->failure.count, text)))
            return true;
    }
    return false;
}

/* A put of `inner` (inside of the operation `index` of `outer`) against what surrounds it. */
static bool inner_collides(const struct etcd *self, const struct etcd_branch *inner,
                           const struct etcd_branch *outer, uint32_t index)
{
    char buffer[ETCD_TEXT_MAX];
    for (uint32_t i = 0; i < inner->count; i++) {
        const struct etcd_op *op = &inner->ops[i];
        if (op->kind == ETCD_OP_TXN && (inner_collides(self, &op->txn->success, outer, index) ||
                                        inner_collides(self, &op->txn->failure, outer, index)))
            return true;
        if (op->kind != ETCD_OP_PUT)
            continue;
        struct etcd_text text = put_text(self, &op->put, buffer);
        for (uint32_t k = 0; k < index; k++) {
            const struct etcd_branch one = {&outer->ops[k], 1};
            if (one.ops[0].kind == ETCD_OP_TXN && branch_puts(self, &one, 1, text))
                return true;
        }
        if (branch_deletes(outer, index, text))
            return true;
    }
    return false;
}

/* A key may be put once in a branch, and not be deleted there as well (key.go,
 * checkIntervals). */
static bool branch_collides(const struct etcd *self, const struct etcd_branch *branch)
{
    char buffer[ETCD_TEXT_MAX];
    for (uint32_t i = 0; i < branch->count; i++) {
        const struct etcd_op *op = &branch->ops[i];
        if (op->kind == ETCD_OP_TXN && (branch_collides(self, &op->txn->success) ||
                                        branch_collides(self, &op->txn->failure) ||
                                        inner_collides(self, &op->txn->success, branch, i) ||
                                        inner_collides(self, &op->txn->failure, branch, i)))
            return true;
    }
    for (uint32_t i = 0; i < branch->count; i++) {
        const struct etcd_op *op = &branch->ops[i];
        if (op->kind != ETCD_OP_PUT)
            continue;
        struct etcd_text text = put_text(self, &op->put, buffer);
        const struct etcd_branch rest = {op + 1, branch->count - i - 1};
        if (branch_puts(self, branch, i, text) || branch_puts(self, &rest, rest.count, text) ||
            branch_deletes(branch, branch->count, text))
            return true;
    }
    return false;
}

static enum etcd_error txn_shape(const struct etcd_txn *txn, uint32_t ops_max);

static enum etcd_error op_shape(const struct etcd_op *op, uint32_t ops_max)
{
    switch (op->kind) {
    case ETCD_OP_PUT:
        return put_shape(&op->put);
    case ETCD_OP_RANGE:
        return op->range.span.from.length == 0 ? ETCD_ERROR_NO_KEY : ETCD_ERROR_NONE;
    case ETCD_OP_DELETE:
        return op->delete.span.from.length == 0 ? ETCD_ERROR_NO_KEY : ETCD_ERROR_NONE;
    case ETCD_OP_TXN:
        return txn_shape(op->txn, ops_max);
    case ETCD_OP_NONE: /* key.go, checkRequestOp */
        return ETCD_ERROR_KEY_NOT_FOUND;
    }
    return ETCD_ERROR_NONE;
}

static enum etcd_error branch_shape(const struct etcd_branch *branch, uint32_t ops_max)
{
    enum etcd_error error = ETCD_ERROR_NONE;
    for (uint32_t i = 0; i < branch->count && error == ETCD_ERROR_NONE; i++)
        error = op_shape(&branch->ops[i], ops_max);
    return error;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* One inside of another may have as many operations as that has left. */
static enum etcd_error txn_shape(const struct etcd_txn *txn, uint32_t ops_max)
{
    uint32_t ops = larger(txn->compare_count, larger(txn->success.count, txn->failure.count));
    if (ops > ops_max)
        return ETCD_ERROR_TOO_MANY_OPS;
    for (uint32_t i = 0; i < txn->compare_count; i++) {
        if (txn->compares[i].span.from.length == 0)
            return ETCD_ERROR_NO_KEY;
    }
    enum etcd_error error = branch_shape(&txn->success, ops_max - ops);
    return error != ETCD_ERROR_NONE ? error : branch_shape(&txn->failure, ops_max - ops);
}

static const struct etcd_branch *txn_branch(const struct etcd_txn *txn)
{
    return txn->succeeded ? &txn->success : &txn->failure;
}

/* All compares look at the store as it is before the first change (apply.go, compareToPath). */
static void txn_choose(const struct etcd *self, struct etcd_txn *txn)
{
    txn->succeeded = true;
    for (uint32_t i = 0; i < txn->compare_count && txn->succeeded; i++)
        txn->succeeded = compare_holds(self, &txn->compares[i]);
    const struct etcd_branch *branch = txn_branch(txn);
    for (uint32_t i = 0; i < branch->count; i++) {
        if (branch->ops[i].kind == ETCD_OP_TXN)
            txn_choose(self, branch->ops[i].txn);
    }
}

/* The branches that will be executed, before the first operation: all puts, then all ranges
 * (apply.go, checkRequests). */
static enum etcd_error branch_check(struct etcd *self, const struct etcd_branch *branch,
                                    enum etcd_op_kind kind)
{
    enum etcd_error error = ETCD_ERROR_NONE;
    for (uint32_t i = 0; i < branch->count && error == ETCD_ERROR_NONE; i++) {
        const struct etcd_op *op = &branch->ops[i];
        if (op->kind == ETCD_OP_TXN) {
            error = branch_check(self, txn_branch(op->txn), kind);
        } else if (op->kind == kind && kind == ETCD_OP_RANGE) {
            error = range_check(self, &op->range);
        } else if (op->kind == kind) {
            error = put_check_key(self, &op->put);
            if (error == ETCD_ERROR_NONE)
                error = put_check_lease(self, &op->put);
        }
    }
    return error;
}

static void branch_run(struct etcd *self, const struct etcd_branch *branch,
                       struct etcd_answer *answers)
{
    for (uint32_t i = 0; i < branch->count; i++) {
        const struct etcd_op *op = &branch->ops[i];
        answers[i] = (struct etcd_answer){.kind = op->kind};
        switch (op->kind) {
        case ETCD_OP_RANGE:
            range_run(self, &op->range, &answers[i].list);
            break;
        case ETCD_OP_PUT:
            put_run(self, &op->put, &answers[i]);
            break;
        case ETCD_OP_DELETE:
            delete_run(self, &op->delete, &answers[i]);
            break;
        case ETCD_OP_TXN:
            branch_run(self, txn_branch(op->txn), op->txn->answers);
            break;
        case ETCD_OP_NONE:
            ASSERT(op->kind != ETCD_OP_NONE); /* op_shape refused it */
            break;
        }
        answers[i].revision = self->store.revision + (self->store.changes > 0);
    }
}

enum etcd_error etcd_txn(struct etcd *self, struct effects *fx, const struct etcd_txn *request,
                         bool *ret_succeeded, struct etcd_answer *answers)
{
    struct etcd_txn txn = *request;
    enum etcd_error error = txn_shape(&txn, ETCD_TXN_OPS_MAX);
    if (error == ETCD_ERROR_NONE &&
        (branch_collides(self, &txn.success) || branch_collides(self, &txn.failure)))
        error = ETCD_ERROR_DUPLICATE_KEY;
    if (error != ETCD_ERROR_NONE)
        return error;
    txn_choose(self, &txn);
    error = branch_check(self, txn_branch(&txn), ETCD_OP_PUT);
    if (error == ETCD_ERROR_NONE)
        error = branch_check(self, txn_branch(&txn), ETCD_OP_RANGE);
    if (error != ETCD_ERROR_NONE)
        return error;
    etcd_store_begin(&self->store);
    branch_run(self, txn_branch(&txn), answers);
    etcd_write_end(self, fx, false);
    *ret_succeeded = txn.succeeded;
    return ETCD_ERROR_NONE;
}

enum etcd_error etcd_compact(struct etcd *self, uint64_t revision)
{
    return etcd_store_compact(&self->store, revision);
}
