/*
 * controller_api_request.c - paths, query parameters and names.
 *
 * Source: EntityPath.scala:196-235; RestAPIs.scala:112-140 at 1fae641a2.
 */
#include "controller/controller_api.h"
#include "core/assert.h"

struct admin_text api_target(const struct controller *self, const struct message *m)
{
    return (struct admin_text){blob_bytes(self->env->arena, m->u.http_request.path),
                               blob_size(self->env->arena, m->u.http_request.path)};
}

bool api_segments(struct admin_text path, struct admin_text *ret_segments, uint32_t *ret_count)
{
    size_t begin = 1;
    *ret_count = 0;
    for (size_t i = 1; i <= path.length; i++) {
        if (i < path.length && path.bytes[i] != '/')
            continue;
        if (*ret_count == API_SEGMENTS_MAX)
            return false;
        ret_segments[(*ret_count)++] = (struct admin_text){path.bytes + begin, i - begin};
        begin = i + 1;
    }
    return true;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

static bool part_is_valid(const char *text, size_t length)
{
    if (length == 0 || length > API_NAME_MAX || !is_word(text[0]) || text[length - 1] == ' ')
        return false;
    for (size_t i = 1; i < length; i++) {
        if (!is_word(text[i]) && (text[i] == '\0' || strchr("@ .&-", text[i]) == NULL))
            return false;
    }
    return true;
}

bool api_name_is_valid(const char *text, size_t length, bool is_path)
{
    size_t begin = 0, parts = 0;
    if (!is_path)
        return part_is_valid(text, length);
    for (size_t i = 0; i <= length; i++) {
        if (i < length && text[i] != '/')
            continue;
        if (i > begin && !part_is_valid(text + begin, i - begin))
            return false;
        parts += i > begin;
        begin = i + 1;
    }
    return parts > 0;
}

/* ---- query ---- */

bool api_query(const struct controller *self, const struct message *m, const char *name,
               char *ret_text, size_t size)
{
    return target_query(api_target(self, m), name, ret_text, size);
}

bool api_query_bool(struct controller *self, const struct message *m, const char *name,
                    bool *ret_value, struct effects *fx)
{
    char text[64], reason[128];
    bool value;
    if (!api_query(self, m, name, text, sizeof text))
        return true;
    if (target_bool(text, &value)) {
        *ret_value = value;
        return true;
    }
    snprintf(reason, sizeof reason, "'%s' is not a valid Boolean value", text);
    api_reject_parameter(self, m, fx, name, reason);
    return false;
}

bool api_integer(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    bool is_negative = *text == '-';
    uint64_t value = 0, most = (uint64_t)INT64_MAX + is_negative;
    text += *text == '-' || *text == '+';
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (*text < '0' || *text > '9' || value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = (int64_t)(is_negative ? 0 - value : value);
    return *ret_value >= min && *ret_value <= max;
}

static bool query_integer(struct controller *self, const struct message *m, const char *name,
                          const char *collection, int64_t *ret_value, struct effects *fx)
{
    char text[64], reason[192];
    if (!api_query(self, m, name, text, sizeof text))
        return true;
    if (api_integer(text, INT32_MIN, INT32_MAX, ret_value))
        return true;
    snprintf(reason, sizeof reason, "The value '%s' is not an integer for %s.", text,
             collection);
    api_reject_parameter(self, m, fx, name, reason);
    return false;
}

bool api_query_page(struct controller *self, const struct message *m, const char *collection,
                    uint32_t *ret_skip, uint32_t *ret_limit, struct effects *fx)
{
    int64_t skip = 0, limit = API_LIST_STD;
    char reason[192];
    if (!query_integer(self, m, "skip", collection, &skip, fx))
        return false;
    if (skip < 0) {
        snprintf(reason, sizeof reason,
                 "The value '%" PRId64 "' is not greater than or equal to 0 for %s.", skip,
                 collection);
        api_reject_parameter(self, m, fx, "skip", reason);
        return false;
    }
    if (!query_integer(self, m, "limit", collection, &limit, fx))
        return false;
    if (limit < 0 || limit > API_LIST_MAX) {
        snprintf(reason, sizeof reason,
                 "The value '%" PRId64 "' is not in the range of 0 to %u for %s.", limit,
                 API_LIST_MAX, collection);
        api_reject_parameter(self, m, fx, "limit", reason);
        return false;
    }
    *ret_skip = (uint32_t)skip;
    *ret_limit = limit == 0 ? API_LIST_MAX : (uint32_t)limit;
    return true;
}
