# Prints what is sent to /dev/log, one message a line: Courier logs nowhere else.
# Of some attempts (no STARTTLS under an enforced policy, a server that says nothing) Courier logs
# the start and the end, and no status; the message stays queued. This puts in the line that is
# missing. A deferral is printed when the attempt has ended, since before that Courier could not be
# told to try again.
use IO::Socket::UNIX;
unlink '/dev/log';
my $log = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => '/dev/log') or die "/dev/log: $!";
chmod 0666, '/dev/log';
$| = 1;
my %open;
while (defined $log->recv(my $message, 65536)) {
  $message =~ s/^<\d+>//;
  $message =~ s/[\0\n]+$//;
  $message =~ tr/\0\n/  /;
  my ($when) = $message =~ /^(.{15})/;
  my ($id) = $message =~ /^.{15} \w+: (?:\w+,)?id=([0-9A-F.]+)/;
  my ($address) = $message =~ /,addr=(<[^>]*>)/;
  $open{$id}{$address} = 'status: deferred' if $message =~ / courierd: started,/;
  if ($message =~ /,status: deferred$/ && $open{$id}{$address}) {
    $open{$id}{$address} = $message;
    next;
  }
  delete $open{$id}{$address} if $message =~ /,status: \w+$/ || $message =~ / courieresmtp: .*,success: /;
  print "$message\n";
  if ($message =~ / courierd: completed,/) {
    my $held = delete $open{$id} // {};
    print $held->{$_} =~ /^status/ ? "$when syslog.pl: id=$id,addr=$_,$held->{$_}\n" : "$held->{$_}\n" for sort keys %$held;
  }
}
