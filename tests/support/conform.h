#pragma once
/*
 * conform.h - a test that reproduces one of upstream's.
 *
 * Its name is upstream's suite and the line on which that test begins at 1fae641a2; what the
 * test is called there is in tests/conformance/list.tsv. A test drives one machine by hand to
 * the "given", does the "when", and compares everything that the machine sent and recorded
 * with the "then": expect_trace and expect_records, so that nothing more may be sent either.
 *
 *     static const struct CMUnitTest tests[] = {
 *         CONFORMS("QueueManagerTests", 206, an_election_that_is_won_makes_a_queue),
 *     };
 */
#include "support/bed.h"

#define CONFORMS(suite, line, function)                                                        \
    {                                                                                          \
        suite ":" #line, function, setup, teardown, NULL                                       \
    }
