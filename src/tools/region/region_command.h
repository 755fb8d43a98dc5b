#ifndef KQ_TOOLS_REGION_REGION_COMMAND_H
#define KQ_TOOLS_REGION_REGION_COMMAND_H

/* `keyquay region ...`: called like a main(), returns the exit status. */
int kq_cmd_region(int argc, char **argv);

#endif
