#ifndef KQ_TOOLS_REGION_REGION_COMMAND_H
#define KQ_TOOLS_REGION_REGION_COMMAND_H

/* `keyquay region ...`: called like a main(), returns the exit status. */
int kq_cmd_region(int argc, char **argv);

#define KQ_HELP_REGION                                                                                                 \
    "keyquay region create CODE... [--data DIR] [--acs-quorum=K/N] [--cipher-suite S] [--operator NAME]\n"             \
    "                      [--vault-suffix S] [--kek-bits 2048|3072|4096] [--days N]\n"                                \
    "                      [--factory DIR | --enrol-out FILE | --warrant FILE]\n"                                      \
    "  Makes a region: its module's warrant, its world, an exchange key, both packages.\n"                             \
    "  Without --factory, --enrol-out and --warrant a rehearsal manufacturer in DIR/factory signs;\n"                  \
    "  without --acs-quorum its cards are rehearsal cards that lie beside the data.\n"                                 \
    "keyquay region list [--data DIR]\n"                                                                               \
    "keyquay region toolset CODE --out FILE [--data DIR] [--replace]\n"                                                \
    "keyquay region rollover CODE [--data DIR] [--kek-bits N] [--days N]\n"                                            \
    "keyquay region import FILE --subscription GUID --name NAME [--vault V] [--region CODE] [--require-attested]\n"    \
    "keyquay region use sign|decrypt|public --subscription GUID --name NAME [--vault V] [--region CODE] ...\n"         \
    "  CODE is NA, NA-1 or UnitedStates; GERMANY-1 is Germany-Public unless --variant sovereign.\n"                    \
    "  --data DIR   else /var/lib/keyquay for root, $XDG_STATE_HOME/keyquay for others\n"                              \
    "  --json       prints facts as JSON\n"

#endif
