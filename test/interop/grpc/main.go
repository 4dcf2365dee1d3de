// Writes the descriptors of the services that the interop programs of grpc-go speak, as protoc would.
package main

import (
	"log"
	"os"

	_ "github.com/cncf/xds/go/xds/service/orca/v3"
	_ "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := 0; i < file.Imports().Len(); i++ {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	for _, name := range []protoreflect.FullName{
		"grpc.testing.TestService",
		"grpc.testing.UnimplementedService",
		"xds.service.orca.v3.OpenRcaService",
	} {
		service, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			log.Fatal(err)
		}
		add(service.ParentFile())
	}
	bytes, err := proto.Marshal(set)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.Write(bytes); err != nil {
		log.Fatal(err)
	}
}
