#ifndef HSM_WORLD_ROWS_H
#define HSM_WORLD_ROWS_H

#include "module/service/call.h"

/* The handlers of world/, one file per act; rows.c puts them into tables. */
hsm_handler hsm_world_create_begin_handler;  /* create.c */
hsm_handler hsm_world_create_card_handler;   /* create.c */
hsm_handler hsm_world_create_commit_handler; /* create.c */
hsm_handler hsm_world_program_handler;       /* program.c */
hsm_handler hsm_world_forget_handler;        /* forget.c */
hsm_handler hsm_world_join_request_handler;  /* join.c */
hsm_handler hsm_world_admit_handler;         /* join.c */
hsm_handler hsm_world_join_handler;          /* join.c */
hsm_handler hsm_trust_list_handler;          /* trust.c */
hsm_handler hsm_trust_change_handler;        /* trust.c */
hsm_handler hsm_enrol_request_handler;       /* enrol.c */
hsm_handler hsm_enrol_install_handler;       /* enrol.c */
hsm_handler hsm_factory_root_handler;        /* factory.c */
hsm_handler hsm_factory_warrant_handler;     /* factory.c */

#endif
