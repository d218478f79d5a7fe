#!/usr/bin/env perl
# wholesaler.pl: the story of doc/wholesaler.md in psql, which prints what a
# program would read from the error: its code, its constraint, and its detail.
use strict;
use warnings;

use IPC::Open3;
use JSON::PP;

# Run statements in psql as a role: what it printed about an error, or nothing.
sub psql_says
{
	my ($role, $statement) = @_;
	my $pid = open3(my $in, my $out, undef, 'psql', '-X', '-q', '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=1',
		'-c', "SET ROLE $role", '-c', $statement);
	close $in;
	my $said = do { local $/; <$out> } // '';
	waitpid $pid, 0;
	return $said;
}

open my $acts, '<', $ARGV[0] or die "$ARGV[0]: $!";
while (my $act = <$acts>)
{
	chomp $act;
	my ($role, $statement) = split /\t/, $act, 2;
	my $said = psql_says($role, $statement);
	if ($said =~ /^ERROR:\s+(\w+): /m)
	{
		my $code = $1;
		my ($constraint) = $said =~ /^CONSTRAINT NAME:\s+(.*)$/m;
		my ($detail) = $said =~ /^DETAIL:\s+(\{.*\})$/m;
		die $said unless defined $constraint && defined $detail;
		my $told = decode_json($detail);
		die "the detail names rule $told->{rule}, the constraint is $constraint\n" if $told->{rule} ne $constraint;
		print join("\t", $role, $code, $constraint, $told->{actual} + 0, $told->{limit} + 0), "\n";
	}
	else
	{
		die $said if $said =~ /\S/;
		print "$role\taccepted\n";
	}
}
