# Prints what is sent to /dev/log, one message a line: Courier logs nowhere else.
# Of some attempts (no STARTTLS under an enforced policy, a server that says nothing) Courier logs the start and the end, and
# no status; the message stays queued. This puts in the line that is missing.
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
  my ($id) = $message =~ /^.{15} \w+: (?:\w+,)?id=([0-9A-F.]+)/;
  my ($address) = $message =~ /,addr=(<[^>]*>)/;
  $open{$id}{$address} = 1 if $message =~ / courierd: started,/;
  delete $open{$id}{$address} if $message =~ /,status: \w+$/;
  if ($message =~ / courierd: completed,/) {
    my $when = substr $message, 0, 15;
    print "$when syslog.pl: id=$id,addr=$_,status: deferred\n" for keys %{delete $open{$id} // {}};
  }
  print "$message\n";
}
