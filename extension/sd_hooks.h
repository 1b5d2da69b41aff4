/*
 * sd_hooks.h
 *	  Installation of every server hook of the module.
 */
#ifndef SD_HOOKS_H
#define SD_HOOKS_H

extern void sd_hooks_init(void);

#endif
