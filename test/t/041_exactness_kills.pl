# Processes are killed in turn while writers write and tables are refreshed: after
# each restart the tables are exact, and so they are when transactions are
# committed that were left prepared across it. EXACT_KILLS sets how many,
# EXACT_SEED the statements.
use strict;
use warnings;
use ExactNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);
use WorkerNode;

my $kills = $ENV{EXACT_KILLS} // 20;
my $shop = ExactNode->new(name => 'kills', seed => int rand 1_000_000_000);
my $node = $shop->node;

# Who is killed, by a condition on pg_stat_activity; the postmaster has none.
my @victims = (
	[ 'refresh worker', "backend_type = 'customer_scoring refresh' AND query LIKE 'refreshing%'" ],
	[ 'launcher', "backend_type = 'customer_scoring launcher'" ],
	[ 'writer', "application_name LIKE 'writer%' AND state = 'active'" ],
	[ 'postmaster', undef ],
	[ 'refresh by hand', "application_name = 'refresher' AND state = 'active' AND query LIKE '%refresh_segment_table%'" ],
	[ 'apply worker', "backend_type = 'logical replication worker' AND application_name = '' OR backend_type = 'logical replication apply worker'" ]);
my @hit;

# Kill while all are at work; true when somebody was.
sub kill_one
{
	my ($condition) = @_;
	my $at_work = "EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'writer%' AND state = 'active')";
	my $spy = $shop->session('postgres', scalar getpwuid($<), 'spy');
	my $until = time + 60;
	my $pid = 0;
	# a moment that differs each time
	my $moment = time + rand 0.5;

	while (!$pid && time < $until)
	{
		$shop->refresh_meanwhile;
		$shop->tell($spy, 'SELECT \'victim \' || pid FROM pg_stat_activity WHERE ' . ($condition // 'pid = pg_backend_pid()') . " AND $at_work LIMIT 1;\n");
		while (!$shop->listen($spy)) { $shop->refresh_meanwhile; usleep(200); }
		last if $spy->{gone};
		($pid) = $spy->{out} =~ /^victim (\d+)$/m;
		$pid = 0 if !$pid || time < $moment;
		$spy->{out} = $spy->{err} = '';
	}
	$shop->dismiss($spy) unless $pid && !defined $condition;
	return 0 unless $pid;
	if (defined $condition)
	{
		kill_process($node, $pid);
	}
	else
	{
		my @children = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
		$node->kill9;
		# the children notice that they are orphans, and leave its memory
		for (my $tries = 600; $tries > 0 && kill(0, @children); $tries--) { usleep(100_000) }
		$shop->dismiss($spy);
		$node->start;
	}
	return 1;
}

for my $i (1 .. $kills)
{
	my ($name, $condition) = @{ $victims[ ($i - 1) % @victims ] };
	# with transactions of before that are open, refreshes recompute everybody: half of the kills are to meet others
	my $leave = $i % 2;
	$shop->leave_prepared($i) if $leave;
	$shop->start_writers;
	$shop->round(transactions => 20) unless $leave;
	$shop->start_round(transactions => 400);
	ok(kill_one($condition), "kill $i: $name, while others write");
	$shop->stop_writers;
	$shop->catch_up;
	last unless $shop->quiesced('exact after the restart');
	$shop->finish_prepared($leave);
	$shop->catch_up;
	last unless $shop->quiesced('exact after transactions are finished that were prepared before');
}
$shop->finish_prepared(1);
$shop->catch_up;
$shop->quiesced('exact when nothing is left prepared');
cmp_ok($shop->{kinds}{left_prepared}{commit} // 0, '>', 0, 'some prepared transactions were committed after a crash');
$shop->writers_were_fine;

wait_launcher($node, 0, 'the launcher is there');
is($shop->sql('shop', "SELECT count(*) FROM segment_table_run WHERE state = 'running' AND cause <> 'scheduled'"), '0', 'no run claims to be running');
is($shop->sql('shop', "SELECT string_agg(DISTINCT error_code || ' ' || error_message, E'\n') FROM segment_table_run WHERE state = 'failed' AND error_code !~ '^(40|57)'"),
	'', 'no refresh failed but by a kill');
$shop->report;
$node->stop;
done_testing();
