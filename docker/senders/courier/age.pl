# Makes what Courier remembers of $DOMAINS older by $SECONDS: cached policies, and the queued mail
# to those domains.
use Fcntl;

for my $domain (split ' ', $ENV{DOMAINS}) {
  # The time of a policy is that of its file.
  my $policy = "/var/lib/courier/sts/$domain";
  if (my $time = (stat $policy)[9]) {
    utime $time - $ENV{SECONDS}, $time - $ENV{SECONDS}, $policy;
  }

  # In a control file, r is a recipient and E the time when the message is given up. The file is
  # named after its inode: changed in place.
  for my $name (glob '/var/lib/courier/msgs/*/C*') {
    open my $control, '+<', $name or next;
    my $content = do { local $/; <$control> };
    next unless $content =~ /^r.*\@\Q$domain\E$/m && $content =~ /^E(\d{10})$/m;
    sysseek $control, $-[1], Fcntl::SEEK_SET;
    syswrite $control, sprintf '%010d', $1 - $ENV{SECONDS};
  }
}
