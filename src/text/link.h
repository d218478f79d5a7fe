/*
 * link.h
 *		Which customers share keys: see link.c.
 */
#ifndef CUSTOMER_SCORING_LINK_H
#define CUSTOMER_SCORING_LINK_H

/* The keys, in the order of their names in link.c. */
#define CS_NKEYS 4
#define CS_KEY_NAME 0
#define CS_KEY_EMAIL 1
#define CS_KEY_PHONE 2
#define CS_KEY_BIRTH_DATE 3

extern const char *const CsKeyNames[CS_NKEYS];

/* Two customers, the first of whom comes first, and what they have in common. */
typedef struct CsLink
{
	int32 a;
	int32 b;
	int32 shared_by; /* customers who have in common what these were found by, at least */
	uint8 keys; /* a bit each */
} CsLink;

/* Rows of customers with their keys, and what is found. All memory is that of the beginning. */
typedef struct CsLinker
{
	MemoryContext memory;
	double min_score;
	int32 max_shared;
	uint8 given; /* keys that are looked at */
	int32 nrows;
	int32 room;
	int32 ncustomers;
	int32 *customers; /* of each row, rising */
	uint64 *keys[CS_NKEYS]; /* of each row, as hashes; 0 for none */
	CsLink *links;
	int64 nlinks;
	int64 links_room;
	int32 *kept; /* of each customer, the first of those linked with it */
	int64 passed_over; /* values that too many share */
	int32 most_shared; /* by how many at most */
} CsLinker;

extern void CsBeginLinker(CsLinker *linker, uint8 given, double min_score, int32 max_shared);
extern void CsAddLinkRow(CsLinker *linker, bool new_customer, const uint64 *keys);
extern void CsFindLinks(CsLinker *linker);
extern double CsLinkScore(uint8 keys);

#endif /* CUSTOMER_SCORING_LINK_H */
