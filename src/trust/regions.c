#include "trust/regions.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "base/size.h"
#include "base/text.h"

#define PLACES(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct kq_region kq_regions[] = {
    {"UnitedStates", "NA", NULL,
     PLACES("Central US", "East US", "East US 2", "North Central US", "South Central US", "West Central US", "West US",
            "West US 2", "West US 3")},
    {"Europe", "EU", NULL, PLACES("North Europe", "West Europe")},
    {"AsiaPacific", "AP", NULL, PLACES("East Asia", "Southeast Asia")},
    {"LatinAmerica", "LATAM", NULL, PLACES("Brazil South", "Brazil Southeast")},
    {"Japan", "JPN", NULL, PLACES("Japan East", "Japan West")},
    {"Korea", "KOREA", NULL, PLACES("Korea Central", "Korea South")},
    {"Australia", "AUS", NULL,
     PLACES("Australia East", "Australia Southeast", "Australia Central", "Australia Central 2")},
    {"Canada", "CANADA", NULL, PLACES("Canada Central", "Canada East")},
    {"India", "INDIA", NULL, PLACES("Central India", "South India", "West India")},
    {"UnitedKingdom", "UK", NULL, PLACES("UK South", "UK West")},
    {"France", "FRANCE", NULL, PLACES("France Central", "France South")},
    {"Germany-Public", "GERMANY", "public", PLACES("Germany West Central", "Germany North")},
    {"Germany", "GERMANY", "sovereign", PLACES("Germany Central", "Germany Northeast")},
    {"Switzerland", "SUI", NULL, PLACES("Switzerland North", "Switzerland West")},
    {"SouthAfrica", "SA", NULL, PLACES("South Africa North", "South Africa West")},
    {"UAE", "UAE", NULL, PLACES("UAE North", "UAE Central")},
    {"USGovCloud", "USGOV", NULL, PLACES("US Gov Virginia", "US Gov Arizona", "US Gov Texas", "US Gov Iowa")},
    {"USGovernmentDoD", "USDOD", NULL, PLACES("US DoD East", "US DoD Central")},
};
const size_t kq_num_regions = KQ_COUNT_OF(kq_regions);

/* Geographies that came after the last toolset. */
static const char *const without_toolset[] = {
    "Austria", "Indonesia", "Israel", "Italy", "Mexico", "New Zealand", "Norway", "Poland", "Qatar", "Sweden", "Spain",
};

void kq_region_label(const struct kq_region *region, uint64_t generation, char out[KQ_REGION_LABEL_SIZE])
{
    snprintf(out, KQ_REGION_LABEL_SIZE, "%s-%llu", region->code, (unsigned long long)generation);
}

void kq_location_programmatic(const char *display_name, char out[KQ_LOCATION_SIZE])
{
    size_t len = 0;
    for (const char *c = display_name; *c != '\0' && len + 1 < KQ_LOCATION_SIZE; c++) {
        if (*c != ' ')
            out[len++] = (char)tolower((unsigned char)*c);
    }
    out[len] = '\0';
}

static bool is_same_place(const char *a, const char *b)
{
    char short_a[KQ_LOCATION_SIZE], short_b[KQ_LOCATION_SIZE];
    kq_location_programmatic(a, short_a);
    kq_location_programmatic(b, short_b);
    return strcmp(short_a, short_b) == 0;
}

const struct kq_region *kq_region_of_location(const char *location)
{
    for (size_t i = 0; i < kq_num_regions; i++) {
        for (const char *const *place = kq_regions[i].locations; *place != NULL; place++) {
            if (is_same_place(*place, location))
                return &kq_regions[i];
        }
    }
    return NULL;
}

/* Splits "NA-1" into "NA" and 1; text without a trailing -<digits> keeps generation 0. */
static bool split_generation(const char *text, char *out_code, size_t out_size, uint64_t *out_generation)
{
    const char *hyphen = strrchr(text, '-');
    size_t len = strlen(text);
    *out_generation = 0;
    if (hyphen != NULL && kq_uint_parse(kq_slice_text(hyphen + 1), 0xffffffff, out_generation)) {
        if (*out_generation == 0)
            return false;
        len = (size_t)(hyphen - text);
    }
    return kq_text_copy(kq_slice_of(text, len), out_code, out_size);
}

static bool is_default_variant(const struct kq_region *region)
{
    return region->variant == NULL || strcmp(region->variant, "public") == 0;
}

/* The toolset name alone decides, except where it is also a code of two worlds. */
static const struct kq_region *match(const char *code, const char *full, const char *variant)
{
    for (size_t i = 0; i < kq_num_regions; i++) {
        const struct kq_region *region = &kq_regions[i];
        bool is_code = strcasecmp(region->code, code) == 0;
        bool is_name = strcasecmp(region->name, full) == 0;
        if (variant != NULL
                ? (is_code || is_name) && region->variant != NULL && strcasecmp(region->variant, variant) == 0
                : (is_code && is_default_variant(region)) || (is_name && !is_code))
            return region;
    }
    return NULL;
}

static kq_status explain_absence(const char *text, char *out, size_t size)
{
    bool is_china =
        strncasecmp(text, "china", 5) == 0 || strcasecmp(text, "CN") == 0 || strncasecmp(text, "CN-", 3) == 0;
    if (is_china) {
        snprintf(out, size, "China was never offered: the transfer of keys is not available there");
        return KQ_ERR_UNSUPPORTED;
    }
    for (size_t i = 0; i < KQ_COUNT_OF(without_toolset); i++) {
        char place[KQ_LOCATION_SIZE], asked[KQ_LOCATION_SIZE];
        kq_location_programmatic(without_toolset[i], place);
        kq_location_programmatic(text, asked);
        if (strncmp(asked, place, strlen(place)) == 0) {
            snprintf(out, size, "%s is a geography of its own for which no toolset was ever published",
                     without_toolset[i]);
            return KQ_ERR_UNSUPPORTED;
        }
    }
    const struct kq_region *region = kq_region_of_location(text);
    if (region != NULL)
        snprintf(out, size, "'%.40s' is a location of the region %s; name the region (%s)", text, region->name,
                 region->code);
    else
        snprintf(out, size, "there is no region '%.40s'; `keyquay region list` shows them all", text);
    return KQ_ERR_NOT_FOUND;
}

kq_status kq_region_find(const char *text, const char *variant, const struct kq_region **out, uint64_t *out_generation,
                         char *out_reason, size_t out_reason_size)
{
    char code[KQ_LOCATION_SIZE];
    uint64_t generation = 0;
    if (variant != NULL && *variant == '\0')
        variant = NULL;
    if (variant != NULL && strcasecmp(variant, "public") != 0 && strcasecmp(variant, "sovereign") != 0) {
        snprintf(out_reason, out_reason_size, "variant '%.40s' is not known; it is public or sovereign", variant);
        return KQ_ERR_ARGUMENT;
    }
    if (!split_generation(text, code, sizeof code, &generation))
        return explain_absence(text, out_reason, out_reason_size);
    const struct kq_region *region = match(code, text, variant);
    if (region == NULL && variant != NULL && match(code, text, NULL) != NULL) {
        snprintf(out_reason, out_reason_size, "%.40s has one world only; leave out --variant", text);
        return KQ_ERR_ARGUMENT;
    }
    if (region == NULL)
        return explain_absence(text, out_reason, out_reason_size);
    *out = region;
    if (out_generation != NULL)
        *out_generation = generation;
    return KQ_OK;
}
