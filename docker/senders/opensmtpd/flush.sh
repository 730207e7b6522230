#!/bin/sh
# Retries everything queued, now; also over routes that OpenSMTPD rests after an error.
smtpctl show routes | sed -n 's/^\([0-9]*\)\. .*/\1/p' | xargs -r -n 1 smtpctl resume route >/dev/null
smtpctl schedule all
