#!/usr/bin/env perl
# csv_columns.pl FILE NAME ...: the number of columns in the header of a CSV file,
# and the position of each of the named ones, in one line; or what is wrong.
use strict;
use warnings;

my ($file, @wanted) = @ARGV;
open(my $csv, '<', $file) or die "cannot read $file: $!\n";

# A quoted name may hold commas, doubled quotes and line ends.
my $header = '';
while (defined(my $line = <$csv>))
{
	$header .= $line;
	last if ($header =~ tr/"//) % 2 == 0;
}
$header =~ s/^\xEF\xBB\xBF//;
$header =~ s/[\r\n]+\z//;
die "$file is empty\n" if $header eq '';

my @names;
while ($header =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(,|\z)/g)
{
	my ($name, $end) = (defined $1 ? $1 : $2, $3);
	$name =~ s/""/"/g;
	push @names, $name;
	last if $end eq '';
}
die "the fields of $file must be separated by commas, its header is: $header\n" if @names == 1 && $header =~ /[;\t]/;

my @positions;
foreach my $name (@wanted)
{
	my @found = grep { $names[$_] eq $name } 0 .. $#names;
	die "$file has no column \"$name\": CUSTOMER=, ORDERED_AT= and AMOUNT= choose among " . join(', ', map { "\"$_\"" } @names) . "\n"
	  if !@found;
	die "$file has more than one column \"$name\"\n" if @found > 1;
	push @positions, $found[0] + 1;
}
print join(' ', scalar(@names), @positions), "\n";
