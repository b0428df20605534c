//! What a start consists of, in order. Read this first.
//!
//! The launcher prepares on the host, makes the child in its new namespaces and writes its id maps, while
//! the child sets up what needs none; a byte through a pipe joins the two. Then the child sets up the rest,
//! becomes PID 1 and starts the command, or, without a PID 1 of ours, is the command.
//!
//! What is not in a list here is not done; but for the end, which `launch` sees to: to see the command start, if somebody
//! wants to know, to wait for it, to take its cgroup away, and after a failure to leave nothing behind.

use super::fault::Failure;
use super::job::{Job, Running};
use super::steps::{
    binds, cgroup, command, dev, filter, handshake, ids, init, limits, mounts, net, overlay, privileges, root, signals,
    stdio, terminal, time, user, uts,
};
use crate::config::Config;
use crate::sys::{Name, recorder};

/// Each list becomes a function that walks it: a step that is wanted runs, one that fails ends the walk
/// and adds its name.
macro_rules! plan {
    ($($(#[$doc:meta])* $list:ident($context:ty) {
        $($say:literal $(if $wanted:path)? => $run:path;)*
    })*) => {
        $($(#[$doc])*
        pub(super) fn $list(context: $context) -> Result<(), Failure> {
            let mut step = Name::of(c"");
            let mut result = Ok(());
            'walk: {
                $(if true $(&& $wanted(context.config()))? {
                    begin(&mut step, const { Name::of_str(concat!($say, "\0")) });
                    result = $run(context).map(|_| ());
                    if result.is_err() {
                        break 'walk;
                    }
                })*
            }
            result.map_err(|fault| Failure { step, fault })
        })*
    };
}

/// Keeps a step's name for what may go wrong in it.
#[inline(never)]
fn begin(step: &mut Name, name: Name) {
    *step = name;
    recorder::step(name);
}

plan! {
    /// On the host, before anything is made.
    prepare(&mut Job<'_>) {
        "keep closed standard descriptors closed" => stdio::hold_closed;
        "read the filter of system calls" if Config::wants_filter_of_file => filter::read;
        "close inherited descriptors" => stdio::close_inherited;
        "name our own file, which is the command" if Config::wants_no_command => command::open_own_file;
        "raise resource limits" if Config::wants_resource_limits => limits::raise_hard;
        "claim the directory for changes" if Config::keeps_changes => overlay::claim_changes;
        "enter the rootfs" if Config::enters_at_once => root::enter;
        "look at the rootfs" if Config::enters_late => root::look;
        "see that the kernel has time namespaces" if Config::wants_time => time::check_kernel;
        "find the subordinate ids" if Config::wants_maps => ids::find_ranges;
        "see which groups stay" if Config::wants_group_count => ids::count_groups;
        "hold signals back" => signals::hold;
        "find the terminal" => terminal::find;
        "make the container's cgroup" if Config::wants_cgroup => cgroup::make;
        "set the cgroup's limits" if Config::wants_cgroup => cgroup::limit;
        "close our memory to root's other containers" if Config::is_roots => privileges::close_memory;
        "make the pipe that joins parent and child" => handshake::make_pipe;
        "make the pipe that tells of the start" if Config::wants_start_notice => handshake::make_start_pipe;
        "watch for stops of the command" if Config::wants_init => terminal::watch_stops;
    }

    /// The launcher, while its child sets up.
    parent(&Running<'_>) {
        "make the namespaces" => handshake::make_child;
        "deny setgroups" if Config::denies_groups => ids::deny_setgroups;
        "map the group id" if Config::wants_user => ids::map_groups;
        "map the user id" if Config::wants_user => ids::map_users;
        "bring the loopback interface up" if Config::wants_net => net::raise_loopback_for_child;
        "set how soon memory kills it" if Config::wants_oom => limits::adjust_oom;
        "set its niceness" if Config::wants_nice => limits::set_niceness;
        "leave kept descriptors to the command" if Config::keeps_descriptors => stdio::leave_kept;
        "let the child go on" => handshake::let_go;
    }

    /// In the new namespaces, on the parent's memory: no std, no heap, no panic. What goes into the rootfs
    /// goes there before it becomes `/`: until then names of the host are the host's, and nothing lies over
    /// the rootfs's top.
    child(&Job<'_>) {
        "leave to the parent what is its alone" => handshake::leave_launchers;
        "die with the parent" => handshake::die_with_parent;
        "open a socket in the new network" if Config::wants_net => net::open_socket;
        "lead a process group" => signals::lead_group;
        "create files as 022 allows" if Config::wants_root => privileges::set_umask;
        "stop mounts spreading to the host" if Config::wants_private_mounts => mounts::make_private;
        "wait for the id maps" if Config::wants_ids_first => handshake::await_go;
        "take hold of what is to be bound" if Config::wants_sources => binds::hold_sources;
        "enter the rootfs" if Config::enters_late => root::enter_late;
        "become root inside" if Config::becomes_root_first => user::become_root;
        "die with the parent all the same" if Config::becomes_root_first => handshake::die_with_parent_again;
        "make the rootfs a mount" if Config::wants_plain_root => root::make_mount;
        "lay an overlay over the rootfs" if Config::wants_overlay => overlay::lay;
        "take hold of the host's root" if Config::wants_hosts_root => root::hold_hosts;
        "open no devices of the rootfs" if Config::wants_no_devices => root::refuse_devices;
        "make read-only what is mounted in the root" if Config::wants_root_read_only => root::freeze_tree;
        "mount a new /proc" if Config::wants_proc => mounts::mount_proc;
        "take the host's /proc along" if Config::wants_hosts_proc => mounts::bind_proc;
        "cover what root could misuse in /proc" if Config::wants_proc_covered => mounts::cover_proc;
        "wait for the id maps" if Config::wants_ids_early => handshake::await_go;
        "move /proc into the rootfs" if Config::wants_proc_moved => mounts::move_proc;
        "mount a read-only /sys" if Config::wants_sys => mounts::mount_sys;
        "use the host's name servers" if Config::wants_dns => mounts::bind_resolver;
        "become root inside" if Config::becomes_root_early => user::become_root;
        "die with the parent all the same" if Config::becomes_root_early => handshake::die_with_parent_again;
        "fill a small /dev" if Config::wants_dev => dev::fill;
        "mount what was asked for" if Config::wants_more_mounts => binds::mount_all;
        "go where the caller was" if Config::may_cover_work_dir => root::enter_callers_dir;
        "make the root read-only" if Config::wants_root_read_only => root::freeze;
        "make the rootfs /" if Config::wants_root => root::pivot;
        "drop the old root" if Config::wants_root => root::drop_old;
        "set the host name" if Config::wants_uts => uts::set_host_name;
        "bring the loopback interface up" if Config::wants_net => net::raise_loopback;
        "make a time namespace" if Config::wants_time => time::leave_clocks;
        "leave the caller's session keyring" => privileges::leave_keyring;
        "put capabilities out of reach" if Config::cuts_capabilities => privileges::bound_capabilities;
        "gain no privileges by executing" if Config::refuses_new_privileges => privileges::refuse_new;
        "refuse calls that no container needs" if Config::wants_default_filter => filter::refuse_calls;
        "wait for the id maps" if Config::wants_ids_late => handshake::await_go;
        "see that no user namespace can be made" if Config::is_strict => filter::see_that_it_holds;
    }

    /// PID 1, after the child's list.
    init(&Job<'_>) {
        "close PID 1 to the container" => init::close_to_the_container;
        "start the command" => init::start_command;
        "let go of descriptors" => init::close_descriptors;
        "let go of capabilities" if Config::cuts_capabilities => privileges::keep_for_signals;
        "reap, and forward signals" => init::serve;
    }

    /// The command's process, up to where it becomes the command.
    command(&Job<'_>) {
        "lead a process group" if Config::wants_init => signals::lead_commands_group;
        "enter the container's cgroup" if Config::wants_cgroup => cgroup::enter;
        "take the terminal" => terminal::take;
        "become the user" if Config::wants_identity => user::become_user;
        "stay closed to the container" if Config::wants_closed_again => init::close_to_the_container;
        "die with the parent all the same" if Config::wants_death_again => handshake::die_with_parent_again;
        "go where it starts" if Config::wants_work_dir => command::enter_work_dir;
        "limit resources" if Config::wants_resource_limits => limits::limit_resources;
        "give up capabilities" if Config::cuts_capabilities => privileges::give_up;
        "let signals through" => signals::release;
        "filter system calls" if Config::wants_filter_of_file => filter::filter_by_file;
        "run the command" => command::become_it;
    }
}
