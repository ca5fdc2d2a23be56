#pragma once
/*
 * activation_response.h - what a container's answer to /init or /run comes to: the status of
 * the activation, and what stands in its record.
 *
 * Source: ActivationResult.scala:118-262, ErrorResponse.scala:149-151, 211-239 at 1fae641a2.
 */
#include "core/json.h"
#include "core/record.h"

enum container_lack { LACK_NOTHING, LACK_ANSWER, LACK_MEMORY };
struct container_answer {
    uint8_t lack; /* enum container_lack: no answer came, or the memory ran out */
    uint16_t status;
    const char *text; /* NULL: an answer without an entity */
    size_t length;
    uint64_t whole, allowed; /* bytes, of an answer that was cut; whole 0: it is complete */
};

enum activation_complaint {
    COMPLAINT_NONE,
    COMPLAINT_INVALID_INIT,
    COMPLAINT_INVALID_RUN,
    COMPLAINT_CUT,
    COMPLAINT_ABNORMAL_INIT,
    COMPLAINT_ABNORMAL_RUN,
    COMPLAINT_MEMORY
};
struct activation_response {
    enum response_status status;
    struct json_in value; /* a success: the result; else the answer's own `error`, if it has one
                             and there is no complaint */
    uint8_t complaint;    /* enum activation_complaint: the error is a text of the system */
    uint64_t size;        /* of the answer */
};

/* Of a failed /init only: false for an answer 200 that was not cut, which is no response. */
bool activation_response_init(const struct container_answer *answer,
                              struct activation_response *ret_response);
struct activation_response activation_response_run(const struct container_answer *answer);
/* The `result` of the record: an object or an array, appended to out. */
void activation_response_write(const struct activation_response *response,
                               const struct container_answer *answer, struct json_out *out);
