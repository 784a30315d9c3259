#!/bin/sh
# Before the files go: dpkg says remove, rpm 0. Upgrades leave the timer as it is.
set -e
case "$1" in
remove | 0)
	if command -v systemctl >/dev/null; then
		if [ -d /run/systemd/system ]; then
			systemctl stop bouncelog.timer bouncelog.service || :
		fi
		systemctl disable bouncelog.timer || :
	fi
	;;
esac
