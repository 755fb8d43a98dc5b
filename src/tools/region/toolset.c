#include "tools/region/toolset.h"

#include <stdio.h>
#include <stdlib.h>
#include <zip.h>

#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "trust/chain.h"

#define README_MAX 4096
#define ENTRY_NAME_SIZE 64

/* 1 January 2016, 00:00, as MS-DOS counts; no time zone takes part. */
#define DOS_DATE ((2016 - 1980) << 9 | 1 << 5 | 1)
#define DOS_TIME 0

static const char verify_launcher[] =
    "#!/usr/bin/env python3\n"
    "\"\"\"Runs the installed verifykeypackage. This toolset is what is being checked,\n"
    "so it does not bring the program that checks it.\"\"\"\n"
    "import os\n"
    "import sys\n"
    "\n"
    "folders = os.environ.get('PATH', '').split(os.pathsep)\n"
    "if os.environ.get('NFAST_HOME'):\n"
    "    folders.insert(0, os.path.join(os.environ['NFAST_HOME'], 'bin'))\n"
    "for folder in folders:\n"
    "    program = os.path.join(folder or '.', 'verifykeypackage')\n"
    "    if os.path.isfile(program) and os.access(program, os.X_OK):\n"
    "        os.execv(program, [program] + sys.argv[1:])\n"
    "sys.stderr.write('verifykeypackage is not installed here: set NFAST_HOME to its prefix, '\n"
    "                 'or put its folder on PATH\\n')\n"
    "sys.exit(1)\n";

static const char transfer_launcher[] =
    "#!/bin/sh\n"
    "# Runs the installed KeyTransferRemote.\n"
    "if [ -n \"${NFAST_HOME:-}\" ] && [ -x \"$NFAST_HOME/bin/KeyTransferRemote\" ]; then\n"
    "    exec \"$NFAST_HOME/bin/KeyTransferRemote\" \"$@\"\n"
    "fi\n"
    "if command -v KeyTransferRemote >/dev/null 2>&1; then\n"
    "    exec KeyTransferRemote \"$@\"\n"
    "fi\n"
    "echo 'KeyTransferRemote is not installed here: set NFAST_HOME to its prefix, or put its folder on PATH' >&2\n"
    "exit 1\n";

struct entry {
    char name[ENTRY_NAME_SIZE];
    struct kq_slice bytes;
    unsigned mode;
};

void kq_toolset_name(const struct kq_region *region, char out[KQ_TOOLSET_NAME_SIZE])
{
    snprintf(out, KQ_TOOLSET_NAME_SIZE, "KeyVault-BYOK-Tools-%s.zip", region->name);
}

static void write_readme(const struct kq_region *region, const struct kq_destination *destination, const char *label,
                         char out[README_MAX])
{
    char root[KQ_HASH_TEXT_SIZE], world[KQ_HASH_TEXT_SIZE], kek[KQ_HASH_TEXT_SIZE], until[KQ_TIME_TEXT_SIZE];
    char operator_name[129], suffix[256];
    kq_hash_text(kq_slice_of(destination->root_hash, 32), root);
    kq_hash_text(kq_slice_of(destination->hknso, 32), world);
    kq_hash_text(kq_slice_of(destination->kek_hash, 32), kek);
    kq_time_text(destination->region.not_after, until);
    kq_text_copy(destination->region.operator_name, operator_name, sizeof operator_name);
    kq_text_copy(destination->region.vault_suffix, suffix, sizeof suffix);
    snprintf(out, README_MAX,
             "Key transfer toolset, region %s (%s)\n"
             "\n"
             "operator:      %s\n"
             "vaults:        *%s\n"
             "root hash:     %s%s\n"
             "world hash:    %s\n"
             "exchange key:  %s\n"
             "valid until:   %s\n"
             "\n"
             "The root hash says that the destination is a real module; the world hash says\n"
             "whose it is. Both stand here for comparison only: obtain them by a second road,\n"
             "because whoever can change the packages can change this file.\n"
             "\n"
             "Check the packages:\n"
             "    python verifykeypackage.py -k BYOK-KEK-pkg-%s -w BYOK-SecurityWorld-pkg-%s\n"
             "Make a copy of a key that can only be sent here, then the package to send:\n"
             "    KeyTransferRemote.exe -ModifyAcls -KeyAppName simple -KeyIdentifier contosokey "
             "-ExchangeKeyPackage BYOK-KEK-pkg-%s -NewSecurityWorldPackage BYOK-SecurityWorld-pkg-%s\n"
             "    KeyTransferRemote.exe -Package -KeyIdentifier contosokey -ExchangeKeyPackage BYOK-KEK-pkg-%s "
             "-NewSecurityWorldPackage BYOK-SecurityWorld-pkg-%s -SubscriptionId SubscriptionID "
             "-KeyFriendlyName ContosoFirstHSMkey\n",
             region->name, label, operator_name, suffix, root,
             destination->root_is_rehearsal ? " (rehearsal: proves nothing about the operator)" : "", world, kek, until,
             label, label, label, label, label, label);
}

static bool add_entry(zip_t *archive, const struct entry *entry)
{
    zip_source_t *source = zip_source_buffer(archive, entry->bytes.data, entry->bytes.len, 0);
    if (source == NULL)
        return false;
    zip_int64_t index = zip_file_add(archive, entry->name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return false;
    }
    return zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(archive, (zip_uint64_t)index, DOS_TIME, DOS_DATE, 0) == 0 &&
           zip_file_set_external_attributes(archive, (zip_uint64_t)index, 0, ZIP_OPSYS_UNIX,
                                            (zip_uint32_t)(0100000 | entry->mode) << 16) == 0;
}

static kq_status read_back(zip_source_t *source, struct kq_buffer *out)
{
    zip_stat_t facts;
    uint8_t *room;
    if (zip_source_stat(source, &facts) < 0 || zip_source_open(source) < 0)
        return KQ_ERR_INTERNAL;
    kq_status status = kq_buffer_reserve(out, facts.size, &room);
    if (status == KQ_OK && zip_source_read(source, room, facts.size) != (zip_int64_t)facts.size)
        status = KQ_ERR_INTERNAL;
    if (status == KQ_OK)
        out->len += facts.size;
    zip_source_close(source);
    return status;
}

static kq_status zip_entries(const struct entry *entries, size_t num_entries, struct kq_buffer *out)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *memory = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *archive = memory == NULL ? NULL : zip_open_from_source(memory, ZIP_CREATE | ZIP_TRUNCATE, &error);
    zip_error_fini(&error);
    if (archive == NULL) {
        zip_source_free(memory);
        return KQ_ERR_MEMORY;
    }
    zip_source_keep(memory); /* the archive's close takes the other reference */
    bool is_whole = true;
    for (size_t i = 0; i < num_entries; i++)
        is_whole = is_whole && add_entry(archive, &entries[i]);
    kq_status status = KQ_ERR_INTERNAL;
    if (is_whole && zip_close(archive) == 0)
        status = read_back(memory, out);
    else
        zip_discard(archive);
    zip_source_free(memory);
    return status;
}

static void name_failed_step(const struct kq_chain_report *report, char *out, size_t size)
{
    snprintf(out, size, "the packages do not verify");
    for (size_t i = 0; i < report->num_steps; i++) {
        if (report->steps[i].outcome == KQ_STEP_FAILED)
            snprintf(out, size, "the packages do not verify: %s: %s", report->steps[i].name, report->steps[i].reason);
    }
}

static void fill_facts(const struct kq_destination *destination, struct kq_slice archive, struct kq_toolset_facts *out)
{
    memcpy(out->root_hash, destination->root_hash, sizeof out->root_hash);
    memcpy(out->hknso, destination->hknso, sizeof out->hknso);
    memcpy(out->kek_hash, destination->kek_hash, sizeof out->kek_hash);
    out->root_is_rehearsal = destination->root_is_rehearsal;
    out->kek_bits = destination->kek_bits;
    out->generation = destination->region.generation;
    out->not_after = destination->region.not_after;
    kq_sha256(archive, out->sha256);
}

kq_status kq_toolset_make(const struct kq_region *region, struct kq_slice kek_package, struct kq_slice world_package,
                          uint64_t now, struct kq_buffer *out, struct kq_toolset_facts *out_facts, char *out_error,
                          size_t out_error_size)
{
    struct kq_destination destination;
    struct kq_chain_report report;
    kq_status status = kq_chain_verify_packages(kek_package, world_package, now, &destination, &report);
    if (status != KQ_OK) {
        name_failed_step(&report, out_error, out_error_size);
        return status;
    }
    char label[KQ_REGION_LABEL_SIZE], readme[README_MAX];
    kq_region_label(region, destination.region.generation, label);
    write_readme(region, &destination, label, readme);
    struct entry entries[] = {
        {"", kek_package, 0644},
        {"", world_package, 0644},
        {"KeyTransferRemote.exe", kq_slice_text(transfer_launcher), 0755},
        {"README.txt", kq_slice_text(readme), 0644},
        {"verifykeypackage.py", kq_slice_text(verify_launcher), 0755},
    };
    snprintf(entries[0].name, ENTRY_NAME_SIZE, "BYOK-KEK-pkg-%s", label);
    snprintf(entries[1].name, ENTRY_NAME_SIZE, "BYOK-SecurityWorld-pkg-%s", label);
    status = zip_entries(entries, KQ_COUNT_OF(entries), out);
    if (status != KQ_OK) {
        snprintf(out_error, out_error_size, "the zip could not be made: %s", kq_status_text(status));
        return status;
    }
    fill_facts(&destination, kq_buffer_slice(out), out_facts);
    return KQ_OK;
}
