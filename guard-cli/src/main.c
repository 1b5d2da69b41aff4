/*
 * main.c
 *	  migguard, the companion of the PostgreSQL extension safedeploy.
 */
#include <locale.h>

#include "cli.h"

int
main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	return mg_cli_main(argc, argv);
}
