/* test_slab.c - slots, numbers and addresses of a table whose elements come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "common/slab.h"

#define OWNER 3u

struct element {
    struct slab_item item;
    uint32_t value;
};

static int set_up(void **state)
{
    *state = arena_new((size_t)16 << 20);
    return *state == NULL;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static void an_element_is_found_by_its_number_until_it_is_closed(void **state)
{
    struct slab slab;
    slab_init(&slab, *state, OWNER, sizeof(struct element));
    struct element *a = slab_open(&slab), *b = slab_open(&slab);
    uint32_t number = slab_number(a);
    assert_int_not_equal(number, 0);
    assert_int_not_equal(number, slab_number(b));
    assert_ptr_equal(slab_find(&slab, number), a);
    slab_close(&slab, a);
    assert_null(slab_find(&slab, number));
    assert_null(slab_at(&slab, a->item.slot));
    assert_ptr_equal(slab_at(&slab, b->item.slot), b);
    assert_int_equal(slab.open_count, 1);
}

static void a_slot_that_is_used_again_has_another_number_and_is_zeroed(void **state)
{
    struct slab slab;
    slab_init(&slab, *state, OWNER, sizeof(struct element));
    struct element *a = slab_open(&slab);
    uint32_t number = slab_number(a);
    a->value = 7;
    slab_close(&slab, a);
    struct element *again = slab_open(&slab);
    assert_ptr_equal(again, a);
    assert_int_equal(again->value, 0);
    assert_int_not_equal(slab_number(again), number);
    assert_null(slab_find(&slab, number));
}

static void numbers_that_were_never_given_find_nothing(void **state)
{
    struct slab slab;
    slab_init(&slab, *state, OWNER, sizeof(struct element));
    assert_null(slab_find(&slab, 0));
    assert_null(slab_find(&slab, 1));
    slab_open(&slab);
    assert_null(slab_find(&slab, 0));
    assert_null(slab_find(&slab, UINT32_MAX));
}

static void addresses_stay_while_the_table_grows_and_memory_is_used_again(void **state)
{
    struct slab slab;
    static struct element *elements[1000];
    slab_init(&slab, *state, OWNER, sizeof(struct element));
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            elements[i] = slab_open(&slab);
            elements[i]->value = i;
        }
        assert_in_range(slab_slots(&slab), 1000, 1063);
        for (uint32_t i = 0; i < 1000; i++) {
            assert_int_equal(elements[i]->value, i);
            slab_close(&slab, elements[i]);
        }
    }
    assert_int_equal(slab.open_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_element_is_found_by_its_number_until_it_is_closed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_slot_that_is_used_again_has_another_number_and_is_zeroed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_were_never_given_find_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            addresses_stay_while_the_table_grows_and_memory_is_used_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
