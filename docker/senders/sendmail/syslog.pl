# Prints what is sent to /dev/log, one message a line: sendmail logs nowhere else.
use IO::Socket::UNIX;
unlink '/dev/log';
my $log = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => '/dev/log') or die "/dev/log: $!";
chmod 0666, '/dev/log';
$| = 1;
while (defined $log->recv(my $message, 65536)) {
  $message =~ s/^<\d+>//;
  $message =~ s/[\0\n]+$//;
  $message =~ tr/\0\n/  /;
  print "$message\n";
}
