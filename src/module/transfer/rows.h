#ifndef HSM_TRANSFER_ROWS_H
#define HSM_TRANSFER_ROWS_H

#include "module/service/call.h"

/* The handlers of transfer/, one file per act; rows.c puts them into a table. */
hsm_handler hsm_transfer_copy_handler;    /* copy.c */
hsm_handler hsm_transfer_package_handler; /* package.c */
hsm_handler hsm_exchange_create_handler;  /* exchange.c */
hsm_handler hsm_transfer_import_handler;  /* import.c */

#endif
