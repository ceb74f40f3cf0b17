//! SG_IO and MTIO ioctls, sysfs discovery.
