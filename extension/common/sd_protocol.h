/*
 * sd_protocol.h
 *	  Version of the SQL API, on which the server module and the CLI must agree.
 */
#ifndef SD_PROTOCOL_H
#define SD_PROTOCOL_H

/* Moves when a function of the SQL API changes in a way that clients notice. */
#define SD_PROTOCOL_VERSION 1

#endif
