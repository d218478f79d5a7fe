# Every ```sql block of README.md and doc/*.md runs, and prints what the page
# shows: the ```text block that directly follows it. A block without one must
# succeed.
#
# A page is one psql session in a database of its own, with time zone UTC and
# the documented search_path. The extension is there, unless the page itself
# creates it. A block inside an HTML comment runs as well: readers do not see it.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The sql blocks of a page: line, SQL, and the output that is shown, if any.
sub blocks_of_page
{
	my ($page) = @_;
	my (@blocks, $fence, $follows);
	my $text = slurp_file($page);
	my $line = 0;
	foreach (split /\n/, $text, -1)
	{
		$line++;
		if (defined $fence)
		{
			if (/^```\s*$/)
			{
				$follows = $fence eq 'sql' ? 1 : 0;
				undef $fence;
			}
			elsif ($fence eq 'sql') { $blocks[-1]{sql} .= "$_\n"; }
			elsif ($fence eq 'shown') { $blocks[-1]{shown} .= "$_\n"; }
		}
		elsif (/^```(\w*)\s*$/)
		{
			$fence = $1 eq 'sql' ? 'sql' : $1 eq 'text' && $follows ? 'shown' : 'other';
			push @blocks, { line => $line, sql => '' } if $fence eq 'sql';
			$blocks[-1]{shown} = '' if $fence eq 'shown';
		}
		elsif (/\S/) { $follows = 0; }
	}
	die "$page: a block is not closed" if defined $fence;
	return @blocks;
}

# Blank lines at the ends and blanks at the ends of lines do not count.
sub normal
{
	my ($text) = @_;
	$text =~ s/[ \t]+$//mg;
	$text =~ s/\A\n+|\n+\z//g;
	return "$text\n";
}

# Run all blocks in one session and return what each printed.
sub run_blocks
{
	my ($node, $database, @blocks) = @_;
	my $marker = '---- end of block ----';
	my $script = join('', map { "$_->{sql}\\echo '$marker'\n" } @blocks);
	my $printed = '';
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	# unbuffered, so that results and errors come in the order they happened
	IPC::Run::run([ 'stdbuf', '-o0', $node->installed_command('psql'), '-X', '-q', '-d', $node->connstr($database) ],
		'<', \$script, '>&', \$printed);
	$printed =~ s/^psql:<stdin>:\d+: //mg;
	return split(/^\Q$marker\E\n/m, $printed, -1);
}

my $node = PostgreSQL::Test::Cluster->new('doc');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'customer_scoring'\ntimezone = 'UTC'\n");
$node->start;

my $number = 0;
my %linked;
foreach my $page ('README.md', sort glob('doc/*.md'))
{
	# links to files, seen from the page
	my ($folder) = $page =~ m{^(.*/)?};
	foreach my $link (slurp_file($page) =~ /\]\(([^)#:]+)(?:#[^)]*)?\)/g)
	{
		ok(-e ($folder // '') . $link, "$page links to $link, which is there");
		$linked{$link} = 1 if $page eq 'README.md';
	}
	ok($linked{$page}, "README.md links to $page") if $page ne 'README.md';

	my @blocks = blocks_of_page($page) or next;
	my $database = 'page_' . ++$number;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql('postgres', qq(ALTER DATABASE $database SET search_path = "\$user", public, customer_scoring));
	$node->safe_psql($database, 'CREATE EXTENSION customer_scoring')
	  unless grep { $_->{sql} =~ /^CREATE EXTENSION\s+customer_scoring\b/mi } @blocks;

	my @printed = run_blocks($node, $database, @blocks);
	is(scalar(@printed), @blocks + 1, "$page: one session ran all blocks");
	foreach my $i (0 .. $#blocks)
	{
		my ($block, $output) = ($blocks[$i], normal($printed[$i] // 'the session ended before this block'));
		my $name = "$page line $block->{line}";
		if (defined $block->{shown}) { is($output, normal($block->{shown}), $name); }
		else { unlike($output, qr/^(ERROR|FATAL|PANIC|invalid command|.*: error:|the session ended)/m, $name); }
	}
}

$node->stop;
done_testing();
