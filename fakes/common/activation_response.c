/*
 * activation_response.c - see activation_response.h.
 */
#include "common/activation_response.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HTTP_OK 200u
#define TEXT_MAX 4096u /* ours: a longer answer is cut in the complaint about it */

static struct activation_response complain(enum response_status status,
                                           enum activation_complaint complaint, uint64_t size)
{
    return (struct activation_response){
        .status = status, .complaint = (uint8_t)complaint, .size = size};
}

static struct json_in parse(const struct container_answer *answer)
{
    if (answer->text == NULL)
        return (struct json_in){.kind = JSON_INVALID};
    return json_in_parse(answer->text, answer->length);
}

static struct activation_response failed(struct json_in value, enum activation_complaint other,
                                         uint64_t size)
{
    struct activation_response response = {.status = RESPONSE_DEVELOPER_ERROR, .size = size};
    if (value.kind != JSON_OBJECT || !json_in_member(value, "error", &response.value))
        return complain(RESPONSE_DEVELOPER_ERROR, other, size);
    return response;
}

bool activation_response_init(const struct container_answer *answer,
                              struct activation_response *ret_response)
{
    if (answer->lack != LACK_NOTHING)
        *ret_response = complain(
            RESPONSE_DEVELOPER_ERROR,
            answer->lack == LACK_MEMORY ? COMPLAINT_MEMORY : COMPLAINT_ABNORMAL_INIT, 0);
    else if (answer->whole != 0)
        *ret_response = complain(RESPONSE_DEVELOPER_ERROR, COMPLAINT_CUT, answer->whole);
    else if (answer->status != HTTP_OK)
        *ret_response = failed(parse(answer), COMPLAINT_INVALID_INIT, answer->length);
    else
        return false;
    return true;
}

struct activation_response activation_response_run(const struct container_answer *answer)
{
    if (answer->lack != LACK_NOTHING)
        return complain(RESPONSE_DEVELOPER_ERROR,
                        answer->lack == LACK_MEMORY ? COMPLAINT_MEMORY : COMPLAINT_ABNORMAL_RUN,
                        0);
    if (answer->whole != 0)
        return complain(RESPONSE_APPLICATION_ERROR, COMPLAINT_CUT, answer->whole);
    struct json_in value = parse(answer);
    bool is_result = value.kind == JSON_OBJECT || value.kind == JSON_ARRAY;
    if (answer->status != HTTP_OK || !is_result)
        return failed(value, COMPLAINT_INVALID_RUN, answer->length);
    struct activation_response response = {
        .status = RESPONSE_SUCCESS, .value = value, .size = answer->length};
    struct json_in error;
    if (value.kind == JSON_OBJECT && json_in_member(value, "error", &error)) {
        response.status = RESPONSE_APPLICATION_ERROR;
        response.value = error;
    }
    return response;
}

static void print_complaint(const struct activation_response *response,
                            const struct container_answer *answer, char text[TEXT_MAX])
{
    static const char *const words[] = {
        [COMPLAINT_INVALID_INIT] = "The action failed during initialization",
        [COMPLAINT_INVALID_RUN] =
            "The action did not produce a valid JSON or JSON Array response",
        [COMPLAINT_ABNORMAL_INIT] = "The action did not initialize and exited unexpectedly.",
        [COMPLAINT_ABNORMAL_RUN] =
            "The action did not produce a valid response and exited unexpectedly.",
        [COMPLAINT_MEMORY] = "The action exhausted its memory and was aborted.",
    };
    int length = answer->text == NULL        ? 0
                 : answer->length > TEXT_MAX ? (int)TEXT_MAX
                                             : (int)answer->length;
    const char *entity = length == 0 ? "" : answer->text;
    bool is_invalid = response->complaint == COMPLAINT_INVALID_INIT ||
                      response->complaint == COMPLAINT_INVALID_RUN;
    if (response->complaint == COMPLAINT_CUT)
        (void)snprintf(text, TEXT_MAX,
                       "The action produced a response that exceeded the allowed length: "
                       "%" PRIu64 " > %" PRIu64 " bytes. The truncated response was: %.*s",
                       answer->whole, answer->allowed, length, entity);
    else if (is_invalid)
        (void)snprintf(text, TEXT_MAX, "%s%s%.*s", words[response->complaint],
                       length == 0 ? "." : ": ", length, entity);
    else
        (void)snprintf(text, TEXT_MAX, "%s", words[response->complaint]);
}

void activation_response_write(const struct activation_response *response,
                               const struct container_answer *answer, struct json_out *out)
{
    char text[TEXT_MAX];
    if (response->status == RESPONSE_SUCCESS) {
        json_out_value(out, response->value);
        return;
    }
    json_out_object_begin(out);
    json_out_key(out, "error");
    if (response->complaint == COMPLAINT_NONE) {
        json_out_value(out, response->value);
    } else {
        print_complaint(response, answer, text);
        json_out_string(out, text);
    }
    json_out_object_end(out);
}
