#include "trust/regions.h"
#include "unit.h"

static const struct kq_region *find(const char *text, const char *variant, uint64_t *out_generation)
{
    const struct kq_region *region = NULL;
    char why[256];
    assert_ok(kq_region_find(text, variant, &region, out_generation, why, sizeof why));
    return region;
}

static kq_status refuse(const char *text, const char *variant, char why[256])
{
    const struct kq_region *region = NULL;
    why[0] = '\0';
    kq_status status = kq_region_find(text, variant, &region, NULL, why, 256);
    assert_null(region);
    assert_string_not_equal(why, "");
    return status;
}

static void regions__each_spelling__finds_the_same(void **state)
{
    (void)state;
    static const char *const spellings[] = {"NA", "na", "NA-1", "na-1", "UnitedStates", "unitedstates"};
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(find(spellings[i], NULL, NULL)->name, "UnitedStates");
}

static void regions__every_code_and_name__finds_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < kq_num_regions; i++) {
        const struct kq_region *region = &kq_regions[i];
        assert_ptr_equal(find(region->code, region->variant, NULL), region);
        char label[KQ_REGION_LABEL_SIZE];
        kq_region_label(region, 1, label);
        assert_ptr_equal(find(label, region->variant, NULL), region);
        if (region->variant == NULL)
            assert_ptr_equal(find(region->name, NULL, NULL), region);
    }
}

static void regions__generation__is_read_from_the_code(void **state)
{
    (void)state;
    uint64_t generation = 9;
    find("EU", NULL, &generation);
    assert_int_equal(generation, 0);
    find("EU-17", NULL, &generation);
    assert_int_equal(generation, 17);
}

static void regions__germany__is_public_unless_sovereign(void **state)
{
    (void)state;
    assert_string_equal(find("GERMANY-1", NULL, NULL)->name, "Germany-Public");
    assert_string_equal(find("germany", "", NULL)->name, "Germany-Public");
    assert_string_equal(find("Germany-Public", NULL, NULL)->name, "Germany-Public");
    assert_string_equal(find("GERMANY-1", "sovereign", NULL)->name, "Germany");
    assert_string_equal(find("GERMANY-1", "Public", NULL)->name, "Germany-Public");
}

static void regions__variant_of_a_single_world__is_refused(void **state)
{
    (void)state;
    char why[256];
    assert_status(refuse("NA", "sovereign", why), KQ_ERR_ARGUMENT);
    assert_status(refuse("GERMANY", "other", why), KQ_ERR_ARGUMENT);
}

static void regions__usdod__is_one_world_for_both_locations(void **state)
{
    (void)state;
    assert_string_equal(find("USDOD-1", NULL, NULL)->name, "USGovernmentDoD");
    assert_ptr_equal(kq_region_of_location("US DoD East"), kq_region_of_location("usdodcentral"));
}

static void regions__china__was_never_offered(void **state)
{
    (void)state;
    char why[256];
    assert_status(refuse("China", NULL, why), KQ_ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "never offered"));
    assert_status(refuse("chinaeast2", NULL, why), KQ_ERR_UNSUPPORTED);
    assert_status(refuse("CN-1", NULL, why), KQ_ERR_UNSUPPORTED);
}

static void regions__geography_without_toolset__is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"Norway", "newzealandnorth", "New Zealand", "swedencentral", "Israel", "qatar"};
    char why[256];
    for (size_t i = 0; i < 6; i++)
        assert_status(refuse(names[i], NULL, why), KQ_ERR_UNSUPPORTED);
    assert_status(refuse("New Zealand", NULL, why), KQ_ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "New Zealand"));
}

static void regions__location__names_its_region(void **state)
{
    (void)state;
    char why[256];
    assert_status(refuse("East US 2", NULL, why), KQ_ERR_NOT_FOUND);
    assert_non_null(strstr(why, "UnitedStates"));
    assert_string_equal(kq_region_of_location("brazilsouth")->code, "LATAM");
    assert_null(kq_region_of_location("atlantis"));
}

static void regions__unknown__is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"", "-", "-1", "NA-0", "NA-", "NA-x", "Atlantis", "N"};
    char why[256];
    for (size_t i = 0; i < 8; i++)
        assert_status(refuse(names[i], NULL, why), KQ_ERR_NOT_FOUND);
}

static void locations__every_one__belongs_to_one_region(void **state)
{
    (void)state;
    for (size_t i = 0; i < kq_num_regions; i++) {
        for (const char *const *place = kq_regions[i].locations; *place != NULL; place++)
            assert_ptr_equal(kq_region_of_location(*place), &kq_regions[i]);
    }
}

static void location_programmatic__display_name__loses_spaces_and_capitals(void **state)
{
    (void)state;
    char name[KQ_LOCATION_SIZE];
    kq_location_programmatic("US Gov Virginia", name);
    assert_string_equal(name, "usgovvirginia");
}

UNIT_MAIN(cmocka_unit_test(regions__each_spelling__finds_the_same),
          cmocka_unit_test(regions__every_code_and_name__finds_itself),
          cmocka_unit_test(regions__generation__is_read_from_the_code),
          cmocka_unit_test(regions__germany__is_public_unless_sovereign),
          cmocka_unit_test(regions__variant_of_a_single_world__is_refused),
          cmocka_unit_test(regions__usdod__is_one_world_for_both_locations),
          cmocka_unit_test(regions__china__was_never_offered),
          cmocka_unit_test(regions__geography_without_toolset__is_named),
          cmocka_unit_test(regions__location__names_its_region), cmocka_unit_test(regions__unknown__is_refused),
          cmocka_unit_test(locations__every_one__belongs_to_one_region),
          cmocka_unit_test(location_programmatic__display_name__loses_spaces_and_capitals))
