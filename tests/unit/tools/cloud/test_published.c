#include "tools/cloud/published.h"
#include "trust/regions.h"
#include "unit.h"

static void published__hash_of_the_french_document__is_found(void **state)
{
    (void)state;
    const struct kq_published_toolset *found =
        kq_published_find("760EE9BD6445C87CFF0E8B032577118704B3BEAA045AA55977C10EF68BC67E2B");
    assert_non_null(found);
    assert_string_equal(found->name, "UnitedStates");
    assert_int_equal(found->series, KQ_SERIES_2017);
}

static void published__hash_of_the_chinese_document__is_found_in_lower_case(void **state)
{
    (void)state;
    const struct kq_published_toolset *found =
        kq_published_find("c73bb0628b91471ca7f9adfce247561c6016a5103ef1a315d49c3ea23afc0b9c");
    assert_non_null(found);
    assert_string_equal(found->name, "Europe");
    assert_int_equal(found->series, KQ_SERIES_2016);
}

static void published__both_german_zips__are_told_apart(void **state)
{
    (void)state;
    assert_string_equal(kq_published_find("5385E615880AAFC02AFD9841F7BADD025D7EE819894AA29ED3C71C3F844C45D6")->name,
                        "Germany");
    assert_string_equal(kq_published_find("54534936D0A0C99C8117DB724C34A5E50FD204CFCBD75C78972B785865364A29")->name,
                        "Germany-Public");
}

static void published__every_region_had_a_toolset(void **state)
{
    (void)state;
    static const char *const newest[] = {
        "2E8C00320400430106366A4E8C67B79015524E4EC24A2D3A6DC513CA1823B0D4",
        "A79DD8C6DFFF1B00B91D1812280207A205442B3DDF861B79B8B991BB55C35263",
        "88CF8D39899E26D456D4E0BC57E5C94913ABF1D73A89013FCE3BBD9599AD2FE9",
    };
    for (size_t i = 0; i < 3; i++) {
        const struct kq_published_toolset *found = kq_published_find(newest[i]);
        const struct kq_region *region;
        char why[256];
        assert_non_null(found);
        assert_ok(kq_region_find(found->name, NULL, &region, NULL, why, sizeof why));
    }
}

static void published__other_hash__is_not_found(void **state)
{
    (void)state;
    assert_null(kq_published_find("760EE9BD6445C87CFF0E8B032577118704B3BEAA045AA55977C10EF68BC67E2C"));
    assert_null(kq_published_find(""));
}

static void published__series__have_words(void **state)
{
    (void)state;
    for (int series = KQ_SERIES_2015; series <= KQ_SERIES_2019; series++)
        assert_non_null(kq_published_series_text((enum kq_published_series)series));
}

UNIT_MAIN(cmocka_unit_test(published__hash_of_the_french_document__is_found),
          cmocka_unit_test(published__hash_of_the_chinese_document__is_found_in_lower_case),
          cmocka_unit_test(published__both_german_zips__are_told_apart),
          cmocka_unit_test(published__every_region_had_a_toolset),
          cmocka_unit_test(published__other_hash__is_not_found), cmocka_unit_test(published__series__have_words))
