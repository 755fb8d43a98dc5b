#include "vault/api/rotation.h"

#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "vault/api/keys.h"
#include "vault/core/names.h"
#include "vault/json/json.h"

#define YEARS_MAX 100u
#define DAYS_MAX (YEARS_MAX * 366u)
#define DAY_S 86400u

/* ---- durations ------------------------------------------------------------------------- */

static bool read_number(const char **at, uint32_t *out)
{
    size_t len = strspn(*at, "0123456789");
    uint64_t value = 0;
    if (len == 0 || len > 6 || !kq_uint_parse(kq_slice_of(*at, len), DAYS_MAX, &value))
        return false;
    *at += len;
    *out = (uint32_t)value;
    return true;
}

bool vault_duration_parse(const char *text, struct vault_duration *out)
{
    static const char units[] = "YMWD";
    struct vault_duration duration = {0};
    const char *next_unit = units;
    const char *at = text;
    if (*at++ != 'P' || *at == '\0')
        return false;
    while (*at != '\0') {
        uint32_t number = 0;
        const char *unit;
        if (!read_number(&at, &number) || *at == '\0' || (unit = strchr(next_unit, *at)) == NULL)
            return false;
        next_unit = unit + 1;
        duration.months += *at == 'Y' ? number * 12 : *at == 'M' ? number : 0;
        duration.days += *at == 'W' ? number * 7 : *at == 'D' ? number : 0;
        at++;
    }
    if (duration.months > YEARS_MAX * 12 || duration.days > DAYS_MAX)
        return false;
    *out = duration;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 1 && is_leap ? 29 : days[month];
}

static int64_t shift(uint64_t unix_s, int64_t months, int64_t days)
{
    time_t start = (time_t)unix_s;
    struct tm date;
    if (gmtime_r(&start, &date) == NULL)
        return 0;
    int64_t month = (int64_t)(date.tm_year + 1900) * 12 + date.tm_mon + months;
    date.tm_year = (int)(month / 12 - 1900);
    date.tm_mon = (int)(month % 12);
    int last = days_of_month(date.tm_year + 1900, date.tm_mon);
    date.tm_mday = date.tm_mday > last ? last : date.tm_mday;
    return (int64_t)timegm(&date) + days * (int64_t)DAY_S;
}

uint64_t vault_duration_after(uint64_t unix_s, struct vault_duration duration)
{
    return (uint64_t)shift(unix_s, duration.months, duration.days);
}

uint64_t vault_duration_before(uint64_t unix_s, struct vault_duration duration)
{
    int64_t time = shift(unix_s, -(int64_t)duration.months, -(int64_t)duration.days);
    return time < 0 ? 0 : (uint64_t)time;
}

/* ---- what a policy means ------------------------------------------------------------------- */

struct plan {
    bool has_expiry;
    bool has_after_create;
    bool has_before_expiry;
    struct vault_duration expiry, after_create, before_expiry;
};

static bool read_duration(const json_t *object, const char *name, bool *out_has, struct vault_duration *out)
{
    const char *text = NULL;
    if (!vault_json_string(object, name, &text) || text == NULL)
        return false;
    *out_has = vault_duration_parse(text, out);
    return *out_has;
}

static void read_action(const json_t *item, struct plan *plan)
{
    const json_t *action = NULL, *trigger = NULL;
    const char *type = NULL;
    bool is_rotate = vault_json_object(item, "action", &action) && vault_json_object(item, "trigger", &trigger) &&
                     action != NULL && trigger != NULL && vault_json_string(action, "type", &type) && type != NULL &&
                     strcmp(type, "Rotate") == 0;
    if (!is_rotate || read_duration(trigger, "timeAfterCreate", &plan->has_after_create, &plan->after_create))
        return;
    (void)read_duration(trigger, "timeBeforeExpiry", &plan->has_before_expiry, &plan->before_expiry);
}

static struct plan read_plan(const char *policy)
{
    struct plan plan = {0};
    json_t *value = NULL;
    const json_t *attributes = NULL, *actions = NULL, *item;
    char error[160];
    size_t i;
    if (policy == NULL || vault_json_parse(kq_slice_text(policy), &value, error, sizeof error) != KQ_OK)
        return plan;
    if (vault_json_object(value, "attributes", &attributes) && attributes != NULL)
        (void)read_duration(attributes, "expiryTime", &plan.has_expiry, &plan.expiry);
    if (vault_json_array(value, "lifetimeActions", &actions) && actions != NULL) {
        json_array_foreach((json_t *)actions, i, item) read_action(item, &plan);
    }
    vault_json_free(value);
    return plan;
}

static void plan_rotation(const struct plan *plan, struct vault_key *key, const struct vault_key_version *newest)
{
    key->next_rotation = 0;
    if (plan->has_after_create)
        key->next_rotation = vault_duration_after(newest->created, plan->after_create);
    else if (plan->has_before_expiry && newest->exp != 0)
        key->next_rotation = vault_duration_before(newest->exp, plan->before_expiry);
}

void vault_rotation_plan(struct vault_key *key, const struct vault_key_version *newest)
{
    struct plan plan = read_plan(key->rotation_policy);
    plan_rotation(&plan, key, newest);
}

void vault_rotation_apply(struct vault_key *key, struct vault_key_version *newest)
{
    if (key->rotation_policy == NULL)
        return;
    struct plan plan = read_plan(key->rotation_policy);
    if (plan.has_expiry && newest->exp == 0)
        newest->exp = vault_duration_after(newest->created, plan.expiry);
    plan_rotation(&plan, key, newest);
}

/* ---- rotating -------------------------------------------------------------------------------- */

/* A version like another one, without its key. */
static kq_status start_like(const struct vault_key_version *old, uint64_t now, struct vault_key_version *out)
{
    KQ_TRY(vault_new_version(out->version));
    out->key_id = old->key_id;
    out->kty = old->kty;
    out->key_ops = old->key_ops;
    out->purpose = old->purpose;
    out->enabled = true;
    out->created = now;
    out->updated = now;
    if (old->tags == NULL)
        return KQ_OK;
    out->tags = strdup(old->tags);
    return out->tags == NULL ? KQ_ERR_MEMORY : KQ_OK;
}

kq_status vault_rotate(const struct vault_service *service, const struct vault_record *vault, struct vault_key *key,
                       struct vault_key_version *newest, uint64_t now, char why[VAULT_WHY_SIZE])
{
    KQ_AUTO_VALUE(vault_key_version) next = {0};
    KQ_AUTO_VALUE(vault_made_key) made = {0};
    KQ_TRY(start_like(newest, now, &next));
    struct vault_key_ref place = {
        .region = vault->region,
        .subscription = vault->subscription,
        .vault = vault->name,
        .name = key->name,
        .version = next.version,
    };
    KQ_TRY(vault_keyops_generate(service->keyops, &place, (enum kq_key_type)newest->type, newest->bits, 0,
                                 newest->purpose, &made, why));
    vault_take_made(&next, &made);
    vault_rotation_apply(key, &next);
    KQ_TRY(vault_store_put_key_version(service->store, key, &next));
    struct vault_key_version old = *newest;
    *newest = next;
    next = old;
    return KQ_OK;
}

kq_status vault_rotate_due(const struct vault_service *service, uint64_t vault_id, uint64_t key_id, uint64_t now,
                           char why[VAULT_WHY_SIZE])
{
    KQ_AUTO_VALUE(vault_record) vault = {0};
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    KQ_TRY(vault_store_get_vault_by_id(service->store, vault_id, &vault));
    KQ_TRY(vault_store_get_key_by_id(service->store, key_id, &view.key));
    bool is_due =
        vault.deleted == 0 && view.key.deleted == 0 && view.key.next_rotation != 0 && view.key.next_rotation <= now;
    if (!is_due)
        return KQ_OK;
    KQ_TRY(vault_store_get_key_version(service->store, key_id, NULL, &view.version));
    return vault_rotate(service, &vault, &view.key, &view.version, now, why);
}
