/* Get-FileHash: the hash of each file, and which toolset a known one belongs to. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"
#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "tools/cloud/endpoints.h"
#include "tools/cloud/published.h"
#include "tools/transfer/cmdlet.h"

#define FILE_MAX (256u * 1024 * 1024)
#define HASH_TEXT_SIZE (2 * KQ_HASH_MAX_LEN + 1)

static const struct {
    const char *name;
    enum kq_hash hash;
} algorithms[] = {
    {"SHA256", KQ_HASH_SHA256},
    {"SHA1", KQ_HASH_SHA1},
    {"SHA384", KQ_HASH_SHA384},
    {"SHA512", KQ_HASH_SHA512},
};

struct request {
    const char *algorithm;
    enum kq_hash hash;
    bool json;
    bool help;
    struct kq_endpoints *endpoints;
    bool head_printed;
    json_t *list;
};

static const char usage[] = "Get-FileHash [-Path] FILE... [-Algorithm SHA256|SHA1|SHA384|SHA512] [-Json]\n"
                            "Prints the hash of each file, and which published or own toolset it is.\n";

static bool choose_algorithm(const char *name, struct request *request)
{
    for (size_t i = 0; i < KQ_COUNT_OF(algorithms); i++) {
        if (strcasecmp(name, algorithms[i].name) == 0) {
            request->algorithm = algorithms[i].name;
            request->hash = algorithms[i].hash;
            return true;
        }
    }
    return false;
}

static kq_status hash_file(const char *path, const struct request *request, char out[HASH_TEXT_SIZE])
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_TRY(kq_file_read(path, FILE_MAX, &bytes));
    uint8_t hash[KQ_HASH_MAX_LEN];
    struct kq_slice part = kq_buffer_slice(&bytes);
    size_t len = kq_hash_parts(request->hash, &part, 1, hash);
    kq_hex_encode(kq_slice_of(hash, len), out);
    for (char *c = out; *c != '\0'; c++) {
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
    }
    return KQ_OK;
}

/* What is known about a hash, as one sentence; "" if nothing. */
static void describe(const struct request *request, const char *hash, char *out, size_t size)
{
    const struct kq_published_toolset *published = kq_published_find(hash);
    const struct kq_endpoint_region *own = kq_endpoints_find_toolset(request->endpoints, hash);
    *out = '\0';
    if (published != NULL)
        snprintf(out, size,
                 "the historical KeyVault-BYOK-Tools-%s.zip of %s; its root key is not public, so no module of today "
                 "can stand behind it",
                 published->name, kq_published_series_text(published->series));
    else if (own != NULL)
        snprintf(out, size, "the toolset of region %s (%s) of this vault", own->name, own->code);
}

static void print_json(struct request *request, const char *path, const char *hash, const char *known)
{
    json_t *entry = json_pack("{s:s, s:s, s:s}", "Algorithm", request->algorithm, "Hash", hash, "Path", path);
    if (*known != '\0')
        json_object_set_new(entry, "Toolset", json_string(known));
    json_array_append_new(request->list, entry);
}

static void print_row(struct request *request, const char *path, const char *hash, const char *known)
{
    if (!request->head_printed)
        printf("%-15s %-70s %s\n%-15s %-70s %s\n", "Algorithm", "Hash", "Path", "---------", "----", "----");
    request->head_printed = true;
    printf("%-15s %-70s %s\n", request->algorithm, hash, path);
    if (*known != '\0')
        printf("    %s: %s.\n", path, known);
}

static bool show_file(struct request *request, const char *path)
{
    char hash[HASH_TEXT_SIZE], known[256], absolute[4096];
    kq_status status = hash_file(path, request, hash);
    if (status != KQ_OK) {
        fprintf(stderr, "Get-FileHash: %s: %s.\n", path,
                status == KQ_ERR_FORMAT ? "a folder or device, not a file" : kq_status_text(status));
        return false;
    }
    describe(request, hash, known, sizeof known);
    const char *shown = realpath(path, absolute) != NULL ? absolute : path;
    (request->json ? print_json : print_row)(request, shown, hash, known);
    return true;
}

static bool show_all(struct request *request, const char *const *paths, size_t num_paths)
{
    bool all_well = true;
    request->list = json_array();
    for (size_t i = 0; i < num_paths; i++)
        all_well = show_file(request, paths[i]) && all_well;
    if (request->json) {
        json_dumpf(request->list, stdout, JSON_INDENT(2));
        printf("\n");
    }
    json_decref(request->list);
    return all_well;
}

static int run(struct request *request, const char *const *paths, size_t num_paths)
{
    const char *path = getenv("KEYQUAY_ENDPOINTS");
    char error[256];
    if (path != NULL && *path != '\0' && kq_endpoints_read(path, &request->endpoints, error, sizeof error) != KQ_OK)
        fprintf(stderr, "Get-FileHash: KEYQUAY_ENDPOINTS: %s.\n", error);
    bool all_well = show_all(request, paths, num_paths);
    kq_endpoints_free(request->endpoints);
    return all_well ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct request request = {.algorithm = "SHA256", .hash = KQ_HASH_SHA256};
    const char *algorithm = NULL, *path = NULL, *literal = NULL;
    const struct kq_cmdlet_parameter parameters[] = {
        {"Algorithm", &algorithm, NULL}, {"Path", &path, NULL},         {"LiteralPath", &literal, NULL},
        {"Json", NULL, &request.json},   {"Help", NULL, &request.help}, {"?", NULL, &request.help},
    };
    const struct kq_cmdlet cmdlet = {parameters, KQ_COUNT_OF(parameters), (size_t)argc + 2};
    const char **paths = calloc((size_t)argc + 2, sizeof *paths);
    char error[256] = "no memory";
    size_t num_paths = 0;
    int status = 2;
    kq_status parsed =
        paths == NULL ? KQ_ERR_MEMORY : kq_cmdlet_parse(&cmdlet, argc, argv, paths, &num_paths, error, sizeof error);
    if (parsed == KQ_OK && path != NULL)
        paths[num_paths++] = path;
    if (parsed == KQ_OK && literal != NULL)
        paths[num_paths++] = literal;
    if (parsed == KQ_OK && request.help)
        status = printf("%s", usage) < 0;
    else if (parsed != KQ_OK)
        fprintf(stderr, "Get-FileHash: %s.\n%s", error, usage);
    else if (algorithm != NULL && !choose_algorithm(algorithm, &request))
        fprintf(stderr, "Get-FileHash: algorithm '%.20s' is not one of SHA256, SHA1, SHA384, SHA512.\n", algorithm);
    else if (num_paths == 0)
        fprintf(stderr, "Get-FileHash: name at least one file.\n%s", usage);
    else
        status = run(&request, paths, num_paths);
    free(paths);
    return status;
}
